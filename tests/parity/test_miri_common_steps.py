"""Steps without rules of their own for MIRI, on MIRI's ramps, against jwst 3.0.0: their changes, and REFOUT.

Compared: SCI, GROUPDQ, PIXELDQ and REFOUT, which no step of jwst's first stage touches.
"""

import numpy as np
import pytest
from helpers.comparison import compare_flags, compare_science
from helpers.early_steps import apply, ramp_model, ramps, reference_model

from gpipe.charge_migration import ChargeMigrationStep
from gpipe.datamodels.files.products import to_model
from gpipe.dq_init import DQInitStep
from gpipe.group_scale import GroupScaleStep
from gpipe.ipc import IPCStep
from gpipe.persistence import PersistenceStep

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

SHAPE = (24, 20)
LEFT, RIGHT, MIDDLE = (1, 1), (1013, 1001), (400, 500)


def at_miri(model):
    model.meta.instrument.name, model.meta.instrument.detector = "MIRI", "MIRIFULONG"
    return model


def exposure(seed, corner):
    rng = np.random.default_rng(seed)
    made = ramps(rng, SHAPE) | {"zeroframe": None}
    integrations, groups = made["data"].shape[:2]
    model = ramp_model(
        **made, corner=corner, type="MIR_MRS", readpatt="FASTGRPAVG8", nframes=8, frame_divisor=4, group_time=22.2,
        start_time=60000.0, integration_time=22.2 * groups,
    )  # fmt: skip
    model.refout = rng.integers(1, 60000, (integrations, groups, SHAPE[0], SHAPE[1] // 4)).astype(np.float32)
    return at_miri(model)


def mask(rng, corner):
    return reference_model("MaskModel", corner, dq=rng.integers(0, 2**31, SHAPE, dtype=np.uint32))


def kernel(rng, corner):
    weights = np.array([[0, -0.01, 0], [-0.02, 1.06, -0.02], [0, -0.01, 0]], np.float32)
    return reference_model("IPCModel", corner, data=weights + rng.normal(0, 1e-3, (3, 3)).astype(np.float32))


STEPS = [
    (GroupScaleStep, {}, {}, MIDDLE),
    (DQInitStep, {"mask": mask}, {}, LEFT),
    (IPCStep, {"ipc": kernel}, {}, LEFT),
    (IPCStep, {"ipc": kernel}, {}, RIGHT),
    (IPCStep, {"ipc": kernel}, {}, MIDDLE),
    (ChargeMigrationStep, {}, {"skip": False, "signal_threshold": 30000.0}, MIDDLE),
    (PersistenceStep, {}, {"skip": False, "persistence_time": 50, "dn_threshold": 40000.0}, MIDDLE),
]


@pytest.mark.parametrize(("step", "makers", "parameters", "corner"), STEPS)
@pytest.mark.parametrize("seed", [4, 5])
def test_step(seed, step, makers, parameters, corner, agree, tmp_path):
    pytest.importorskip("jwst")
    from jwst.pipeline import Detector1Pipeline

    name = step.alias
    rng = np.random.default_rng([seed, 1])
    model = exposure(seed, corner)
    references = {kind: at_miri(make(rng, corner)) for kind, make in makers.items()}
    paths = {f"override_{kind}": str(tmp_path / f"{kind}.fits") for kind in references}
    for kind, reference in references.items():
        reference.save(paths[f"override_{kind}"])
    theirs = Detector1Pipeline.step_defs[name](**parameters, **paths).process(model.copy())
    ours = apply(step(**parameters), model, **references)
    assert getattr(theirs.meta.cal_step, name) == "COMPLETE"
    agree([
        compare_science("SCI", ours.data, theirs.data),
        compare_flags("GROUPDQ", ours.groupdq, theirs.groupdq),
        compare_flags("PIXELDQ", ours.pixeldq, theirs.pixeldq),
    ])  # fmt: skip
    changed = ((ours.data, model.data), (ours.groupdq, model.groupdq), (ours.pixeldq, model.pixeldq))
    assert any(not np.array_equal(after, before) for after, before in changed)
    np.testing.assert_array_equal(theirs.refout, model.refout)
    product = to_model(ours)
    np.testing.assert_array_equal(product.refout, model.refout)
    assert product.refout.dtype == theirs.refout.dtype
