"""The linearity step."""

from gpipe.linearity.linearity_step import LinearityStep

__all__ = ["LinearityStep"]
