"""Steps and pipelines: parameters, references, names and the order of work. Knows no step by name."""

from gpipe.controller import parameters
from gpipe.controller.declaration.blocks import Block, Cut, Preview, SummaryOf
from gpipe.controller.declaration.companions import NO_COMPANIONS, Companion, Companions
from gpipe.controller.declaration.ref import Ref
from gpipe.controller.declaration.results import Produced, References, SideProduct, Skip
from gpipe.controller.declaration.work import Work
from gpipe.controller.pipeline import Pipeline
from gpipe.controller.reporting.events import ChunkDone, DoneBefore, ProductSaved, StepDone, StepStarted, watch
from gpipe.controller.step import Step

__all__ = [
    "NO_COMPANIONS",
    "Block",
    "ChunkDone",
    "Companion",
    "Companions",
    "Cut",
    "DoneBefore",
    "Pipeline",
    "Preview",
    "Produced",
    "ProductSaved",
    "Ref",
    "References",
    "SideProduct",
    "Skip",
    "Step",
    "StepDone",
    "StepStarted",
    "SummaryOf",
    "Work",
    "parameters",
    "watch",
]
