"""resample: exposures drizzled onto a common grid."""

from gpipe.resample.resample_step import ResampleStep

__all__ = ["ResampleStep"]
