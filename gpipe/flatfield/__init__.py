"""The flat_field step."""

from gpipe.flatfield.flat_field_step import FlatFieldStep

__all__ = ["FlatFieldStep"]
