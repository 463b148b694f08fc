"""The dark_current step."""

from gpipe.dark_current.dark_current_step import DarkCurrentStep

__all__ = ["DarkCurrentStep"]
