"""The photom step."""

from gpipe.photom.photom_step import PhotomStep

__all__ = ["PhotomStep"]
