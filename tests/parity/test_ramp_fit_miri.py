"""ramp_fit of MIRI against jwst 3.0.0: groups at the ends that no pixel can use are cut off before the fit.

Compared: rates, DQ, errors and variances of exposures and integrations, and the fits of segments, as in
test_ramp_fit_function.py. jwst returns nothing where fewer than two groups are left; gpipe rates of NaN.
"""

import numpy as np
import pytest
from helpers.early_steps import apply, ramp_model, reference_model
from helpers.fault_pixels import integration_without_a_rate
from helpers.ramp_parity import DO_NOT_USE, JUMP_DET, TIMINGS, assert_rates, ramps

from gpipe.ramp_fitting import RampFitStep
from gpipe.ramp_fitting.rates import Rates

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

PLANES = ("slope", "dq", "err", "var_poisson", "var_rnoise")


def exposure(seed, dead, groups=9):
    """Random ramps of MIRI of which no pixel can use some groups, in all integrations or, as by RSCD, in the second."""
    made, _ = ramps(seed, 2, groups)
    made["groupdq"][:, list(dead)] |= DO_NOT_USE
    made["groupdq"][1, :3] |= DO_NOT_USE
    made["pixeldq"][2, 0] = 0
    timing = TIMINGS[seed % 3]
    arrays = {name: made[name] for name in ("data", "groupdq", "pixeldq")}
    times = {"frame_time": timing.frame_time, "group_time": timing.group_time, "drop_frames1": timing.dropped_first}
    pattern = {"readpatt": "FASTR1", "nframes": timing.frames, "groupgap": timing.gap}
    model = ramp_model(**arrays, corner=(1, 1), type="MIR_MRS", **times, **pattern)
    references = {
        "gain": reference_model("GainModel", (1, 1), data=np.where(made["gain"] > 0, made["gain"], 2).astype("f4")),
        "readnoise": reference_model("ReadnoiseModel", (1, 1), data=np.full_like(made["readnoise"], 9.0)),
    }
    for each in (model, *references.values()):
        each.meta.instrument.name, each.meta.instrument.detector = "MIRI", "MIRIFUSHORT"
    return model, references


def by_jwst(model, references, folder, **parameters):
    jwst_step = pytest.importorskip("jwst.ramp_fitting").RampFitStep
    paths = {f"override_{name}": str(folder / f"{name}.fits") for name in references}
    for name, reference in references.items():
        reference.save(paths[f"override_{name}"])
    return jwst_step(**parameters, **paths).process(model.copy())


def assert_same(ours, theirs, what, leave_photons):
    planes = dict(zip(PLANES, (theirs.data, theirs.dq, theirs.err, theirs.var_poisson, theirs.var_rnoise), strict=True))
    assert_rates(
        Rates(ours.data, ours.dq, ours.var_poisson, ours.var_rnoise, ours.err),
        planes,
        what,
        leave_photons=leave_photons,
    )


def without_a_rate(model, firstgroup=0, lastgroup=None, suppress_one_group=True):
    flags = model.groupdq.copy()
    flags[:, :firstgroup] |= DO_NOT_USE
    flags[:, flags.shape[1] if lastgroup is None else lastgroup + 1 :] |= DO_NOT_USE
    return integration_without_a_rate(model.data, flags, suppress=suppress_one_group)


CASES = [
    ((0, 8), {}),
    ((0, 8), {"suppress_one_group": False}),
    ((0, 1, 2, 8), {}),
    ((8,), {"firstgroup": 2}),
    ((), {"firstgroup": 3, "suppress_one_group": False}),
    ((0, 7, 8), {"lastgroup": 5}),
    ((4,), {"firstgroup": 1, "lastgroup": 4, "suppress_one_group": False}),
]


@pytest.mark.parametrize(("dead", "parameters"), CASES, ids=str)
@pytest.mark.parametrize("seed", [1, 2])
def test_rates(seed, dead, parameters, tmp_path):
    model, references = exposure(seed, dead)
    theirs = by_jwst(model, references, tmp_path, **parameters)
    ours = apply(RampFitStep(**parameters), model, **references).results
    for what, rate, expected in zip(("rate", "rateints"), ours, theirs, strict=True):
        assert_same(rate, expected, what, without_a_rate(model, **parameters))
    assert [type(model).__name__ for model in theirs] == ["IFUImageModel", "CubeModel"]


def test_a_jump_in_the_first_group_that_is_left_has_no_flag(tmp_path):
    model, references = exposure(3, (0, 8))
    model.groupdq[0, 1, 3, 3:9] = JUMP_DET
    theirs = by_jwst(model, references, tmp_path)
    ours = apply(RampFitStep(), model, **references).results
    assert_same(ours[1], theirs[1], "rateints", without_a_rate(model))


@pytest.mark.parametrize("dead", [range(9), range(8)], ids=["all", "all but the last"])
def test_too_few_groups_give_no_rate(dead, tmp_path):
    model, references = exposure(4, dead)
    assert by_jwst(model, references, tmp_path) == (None, None)
    for rate in apply(RampFitStep(suppress_one_group=False), model, **references).results:
        assert np.isnan(rate.data).all()
        assert (rate.dq & DO_NOT_USE).all()
