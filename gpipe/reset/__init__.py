"""The reset step."""

from gpipe.reset.reset_step import ResetStep

__all__ = ["ResetStep"]
