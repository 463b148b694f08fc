"""The firstframe step."""

from gpipe.firstframe.firstframe_step import FirstFrameStep

__all__ = ["FirstFrameStep"]
