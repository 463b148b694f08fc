"""Steps that use companions, groups and associations, for tests of the controller."""

import json
from dataclasses import replace
from typing import ClassVar

from gpipe.controller import NO_COMPANIONS, Block, Cut, Pipeline, Produced, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp
from gpipe.datamodels.exposures.groups.group import Group
from helpers.stub_steps import AddStep, uncal


class StubGroup(Group):
    """A group of ramps."""

    piece = Ramp
    member_kinds = (Ramp,)


class SubtractStep(Step):
    """Subtracts the mean of all backgrounds from every sample."""

    alias = "subtract"
    companions = ("background",)

    def apply(self, exposure, references, companions=NO_COMPANIONS):
        return replace(exposure, data=exposure.data - mean_level(companions, exposure.backend))


class SubtractInChunksStep(Step):
    """Does the same in chunks."""

    alias = "subtract"
    companions = ("background",)
    cut = Cut(Block.PIXELS)

    def begin(self, outline, references, summary, companions=NO_COMPANIONS):
        level = mean_level(companions, outline.backend)
        return Work(lambda chunk: replace(chunk, data=chunk.data - level))


class RaiseBackgroundsStep(Step):
    """Adds to the backgrounds, not to the exposure."""

    alias = "raise_backgrounds"
    companions = ("background",)
    amount = p.Float(100.0)

    def apply(self, exposure, references, companions=NO_COMPANIONS):
        return Produced((exposure,), companions={"background": self.raised(companions, exposure.backend)})

    def raised(self, companions, backend):
        found = [companion.open(backend) for companion in companions["background"]]
        return [replace(exposure, data=exposure.data + self.amount) for exposure in found]


class RaiseBackgroundsInChunksStep(RaiseBackgroundsStep):
    """Does the same in chunks of the exposure."""

    cut = Cut(Block.PIXELS)
    apply = Step.apply

    def begin(self, outline, references, summary, companions=NO_COMPANIONS):
        return Work(lambda chunk: chunk, companions={"background": self.raised(companions, outline.backend)})


class CatalogStep(Step):
    """Adds the number of lines of a catalogue."""

    alias = "catalog"
    companions = ("sourcecat",)

    def apply(self, exposure, references, companions=NO_COMPANIONS):
        lines = [len(one.path.read_text().splitlines()) for one in companions["sourcecat"]]
        return replace(exposure, data=exposure.data + sum(lines))


class CompanionPipeline(Pipeline):
    """Changes companions, then uses them."""

    alias = "companion_pipeline"
    step_defs: ClassVar = {"add": AddStep, "raise_backgrounds": RaiseBackgroundsStep, "subtract": SubtractStep}


class CompanionPipelineInChunks(Pipeline):
    """Does the same in chunks."""

    alias = "companion_pipeline"
    step_defs: ClassVar = {
        "add": AddStep,
        "raise_backgrounds": RaiseBackgroundsInChunksStep,
        "subtract": SubtractInChunksStep,
    }


def mean_level(companions, backend):
    """The mean of the first samples of all backgrounds."""
    found = [float(companion.open(backend).data[0, 0, 0, 0]) for companion in companions["background"]]
    if not found:
        raise Skip("no background")
    return sum(found) / len(found)


def save_uncal(folder, name, level, **observation):
    """A file whose samples all have one value."""
    model = uncal()
    model.data[...] = level
    model.meta.observation.instance.update(observation)
    folder.mkdir(exist_ok=True)
    model.save(folder / name)
    return folder / name


def members(**exptypes):
    """Members of a product: files by exptype, ``science="a.fits"`` or several, in a list."""
    given = [
        (name, exptype) for exptype, names in exptypes.items() for name in ([names] if names == str(names) else names)
    ]
    return [{"expname": name, "exptype": exptype} for name, exptype in given]


def save_association(path, *products, **keys):
    """An association of (name, members)."""
    made = [{"members": found} | ({"name": name} if name else {}) for name, found in products]
    path.write_text(json.dumps(keys | {"products": made}))
    return path
