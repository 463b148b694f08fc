"""The picture_frame step."""

from gpipe.picture_frame.picture_frame_step import PictureFrameStep

__all__ = ["PictureFrameStep"]
