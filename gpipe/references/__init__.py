"""References that exposures need, before anything runs: which, whether they are there and whole, and to fetch them."""

from gpipe.references.needed import changes, check, fetch, needed
from gpipe.references.report import Change, Needed, NeededReference, State

__all__ = ["Change", "Needed", "NeededReference", "State", "changes", "check", "fetch", "needed"]
