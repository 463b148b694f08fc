"""Declarations of steps: references, predecessors, cuts and kinds, as the engine asks for them."""

from types import SimpleNamespace
from typing import ClassVar

import pytest

from gpipe.controller import Block, Cut, Pipeline, Preview, Ref, References, Skip, Step, SummaryOf
from gpipe.controller.references.absent import absent_references, must_not_lack, refuse_without, skip_without
from gpipe.datamodels import Ramp, Rate
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS
from gpipe.exceptions import ReferenceFileError


class Several(Step):
    """Needs a reference of each sort."""

    alias = "several"
    references = (
        Ref("gain", missing="error"),
        Ref("mask"),
        Ref("dark", optional=True),
        Ref("reset", when=lambda meta: meta.instrument.name == MIRI),
    )
    after: ClassVar = {MIRI: ("reset",), OTHERS: ("superbias", "refpix")}
    cut = Cut(Block.RAMPS, writes=("data",), halo=2, summary=SummaryOf(("pixeldq",), preview=Preview.BORDER))


class Plain(Step):
    """Declares nothing but its name."""

    alias = "plain"


def meta(instrument):
    return SimpleNamespace(instrument=SimpleNamespace(name=instrument))


def lacking(*types):
    """References of `Several` of which some do not apply."""
    there = object()
    return References({reftype: None if reftype in types else there for reftype in ("gain", "mask", "dark")})


def test_metadata_decide_which_references_are_wanted():
    assert Several().wanted_references(meta("NIRCAM")) == ("gain", "mask", "dark")
    assert Several().wanted_references(meta("MIRI")) == ("gain", "mask", "dark", "reset")


def test_every_reference_has_an_override_and_the_name_of_jwst():
    assert Several.reference_file_types == ("gain", "mask", "dark", "reset")
    assert Several(override_reset="x.fits").override_reset == "x.fits"
    assert not [name for name in Plain.parameters() if name.startswith("override_")]


@pytest.mark.parametrize(
    ("absent", "needed", "refused"),
    [
        ((), [], []),
        (("dark",), [], []),
        (("mask", "dark"), ["mask"], []),
        (("gain", "mask"), ["gain", "mask"], ["gain"]),
    ],
)
def test_the_consequence_of_an_absent_reference_is_its_own(absent, needed, refused):
    references = lacking(*absent)
    assert absent_references(Several(), references) == needed
    assert must_not_lack(Several(), references) == refused


def test_a_run_is_refused_for_the_reference_that_must_be_there():
    with pytest.raises(ReferenceFileError, match=r"^several: found N/A as gain reference, expected a file$"):
        refuse_without([(Several(), lacking("gain", "mask")), (Plain(), References({}))])
    with pytest.raises(Skip, match="no mask reference applies"):
        skip_without(Several(), lacking("mask"))


def test_predecessors_by_instrument():
    assert list(Several().predecessors(meta("MIRI"))) == ["reset"]
    assert list(Several().predecessors(meta("FGS"))) == ["superbias", "refpix"]
    assert list(Plain().predecessors(meta("FGS"))) == []


def test_a_cut_is_what_the_engine_asks_for():
    step = Several()
    assert (step.block(None), step.halo(None, None), step.writes, step.reads_first) == (
        Block.RAMPS,
        2,
        ("data",),
        ("pixeldq",),
    )


def test_a_step_without_a_cut_gets_the_whole_exposure_and_may_change_all_of_it():
    step = Plain()
    assert (step.block(None), step.halo(None, None), step.reads_first) == (Block.EXPOSURE, 0, ())
    assert {"data", "groupdq", "pixeldq", "zeroframe"} <= set(step.writes)


def test_kinds_are_one_or_several():
    class OfBoth(Step):
        accepts = (Ramp, Rate)

    assert Plain.kinds() == (Ramp,)
    assert OfBoth.kinds() == (Ramp, Rate)


def test_a_status_has_the_alias_unless_the_step_says_otherwise():
    class Renamed(Plain):
        cal_step = "dark_sub"

    class Inherited(Renamed):
        pass

    assert (Plain.cal_step, Renamed.cal_step, Inherited.cal_step) == ("plain", "dark_sub", "dark_sub")


def test_a_cut_names_arrays_that_there_are():
    with pytest.raises(TypeError, match=r"Wrong.cut: found sci, dq:SATURATED, expected some of .*groupdq"):

        class Wrong(Plain):
            cut = Cut(Block.ROWS, writes=("data", "sci"), summary=SummaryOf(("dq:SATURATED",)))


def test_instruments_are_compared_without_case():
    class OfNircam(Plain):
        instruments = ("NIRCam",)

    assert OfNircam().is_for(meta("NIRCAM"))
    assert not OfNircam().is_for(meta("MIRI"))


def test_an_order_of_steps_that_there_are_not():
    class Ordered(Pipeline):
        alias = "ordered"
        step_defs: ClassVar = {"plain": Plain}

        def order(self, meta):
            return ("plain", "plane")

    with pytest.raises(KeyError, match="Ordered: order names plane, which step_defs lacks"):
        Ordered().sequence(None)
