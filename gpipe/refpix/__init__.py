"""The refpix step."""

from gpipe.refpix.refpix_step import RefPixStep

__all__ = ["RefPixStep"]
