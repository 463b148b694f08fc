"""Steps and pipelines: parameters, references, names and the order of work. Knows no step by name."""

from gpipe.controller import parameters
from gpipe.controller.events import PartDone, StepDone, StepStarted, watch
from gpipe.controller.pipeline import Pipeline
from gpipe.controller.results import Produced, References, SideProduct, Skip
from gpipe.controller.step import Step
from gpipe.controller.work import Block, Glance, Work

__all__ = [
    "Block",
    "Glance",
    "PartDone",
    "Pipeline",
    "Produced",
    "References",
    "SideProduct",
    "Skip",
    "Step",
    "StepDone",
    "StepStarted",
    "Work",
    "parameters",
    "watch",
]
