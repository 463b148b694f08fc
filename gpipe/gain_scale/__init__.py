"""The gain_scale step."""

from gpipe.gain_scale.gain_scale_step import GainScaleStep

__all__ = ["GainScaleStep"]
