"""The lastframe step."""

from gpipe.lastframe.lastframe_step import LastFrameStep

__all__ = ["LastFrameStep"]
