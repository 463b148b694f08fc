"""Runs of a pipeline on many files, one after the other."""

from gpipe.batch.events import RunEvent
from gpipe.batch.report import Outcome, RunReport
from gpipe.batch.run import plan, run

__all__ = ["Outcome", "RunEvent", "RunReport", "plan", "run"]
