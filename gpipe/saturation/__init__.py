"""The saturation step."""

from gpipe.saturation.saturation_step import SaturationStep

__all__ = ["SaturationStep"]
