"""The dq_init step."""

from gpipe.dq_init.dq_init_step import DQInitStep

__all__ = ["DQInitStep"]
