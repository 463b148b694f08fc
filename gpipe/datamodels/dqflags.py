"""Flags of data quality by name, as ``stdatamodels`` has them: ``dqflags.pixel["SATURATED"]``."""

from stdatamodels.jwst.datamodels.dqflags import group, pixel

__all__ = ["group", "pixel"]
