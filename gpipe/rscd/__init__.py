"""The rscd step."""

from gpipe.rscd.rscd_step import RscdStep

__all__ = ["RscdStep"]
