"""The superbias step."""

from gpipe.superbias.superbias_step import SuperBiasStep

__all__ = ["SuperBiasStep"]
