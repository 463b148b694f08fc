"""The jump step."""

from gpipe.jump.jump_step import JumpStep

__all__ = ["JumpStep"]
