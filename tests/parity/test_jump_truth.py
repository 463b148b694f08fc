"""Jumps found by gpipe and by jwst in the same exposures, beside the hits that were simulated.

Compared: hits found, by size, and flags where nothing hit. Equal flags give equal numbers; the table of both is in the
summary of the run. Pulls of rates are in ``test_products_beside_jwst.py``.
"""

import numpy as np
import pytest
from helpers.exposures import KINDS
from helpers.jump_truth import EXPOSURES, SIZES, score_jumps
from helpers.miri_parameters import steps

from gpipe import simulate
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import ExposureConfig

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]
FULL_FRAME = {"nircam full frame, 4 frames a group": ExposureConfig(**KINDS["nircam-a-full-shallow4"], seed=11)}
RAMP_ONLY = {"ramp_fit": {"skip": True}}


@pytest.fixture(params={**EXPOSURES, **FULL_FRAME}.items(), ids=lambda item: item[0].partition(",")[0])
def exposure(request, tmp_path, monkeypatch):
    _, config = request.param
    monkeypatch.chdir(tmp_path)
    made = simulate.write_exposure(config, tmp_path)
    with simulate.write_cache([config], tmp_path / "cache", full_frame=False).activated():
        yield made


def test_hits_found_by_both(exposure, request):
    theirs_pipeline = pytest.importorskip("jwst.pipeline").Detector1Pipeline
    given = RAMP_ONLY | steps(exposure.config)
    ours = Detector1Pipeline.call(exposure.path, configure_log=False, steps=given)
    theirs = theirs_pipeline.call(str(exposure.path), steps=given)
    scores = {"gpipe": score_jumps(ours.groupdq, ours.pixeldq, exposure)}
    scores["jwst"] = score_jumps(theirs.groupdq, theirs.pixeldq, exposure)
    rows = [(request.node.callspec.id, package, line(score)) for package, score in scores.items()]
    request.node.user_properties.extend(("jumps", row) for row in rows)
    first, second = scores.values()
    assert np.array_equal(first.injected, second.injected)
    assert np.all(np.abs(first.found - second.found) <= 1 + 1e-4 * first.injected)
    assert abs(first.alarms - second.alarms) <= 1 + 1e-2 * second.alarms


def line(score):
    """Completeness by size of hit, and the rate of false alarms."""
    edges = zip(SIZES[:-1], SIZES[1:], score.completeness, score.injected, strict=True)
    found = " ".join(f"{low:g}-{high:g}: {share:.1%} of {count:.0f}," for low, high, share, count in edges)
    return f"{found} false alarms {score.false_alarm_rate:.1e}"
