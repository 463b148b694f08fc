"""The group_scale step."""

from gpipe.group_scale.group_scale_step import GroupScaleStep

__all__ = ["GroupScaleStep"]
