"""The assign_wcs step. ``gwcs`` and ``astropy.modeling`` are imported when it works."""

from gpipe.assign_wcs.assign_wcs_step import AssignWcsStep

__all__ = ["AssignWcsStep"]
