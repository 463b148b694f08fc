"""The persistence step."""

from gpipe.persistence.persistence_step import PersistenceStep

__all__ = ["PersistenceStep"]
