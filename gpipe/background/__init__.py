"""The bkg_subtract step."""

from gpipe.background.background_step import BackgroundStep

__all__ = ["BackgroundStep"]
