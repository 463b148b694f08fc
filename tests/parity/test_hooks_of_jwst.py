"""Steps of jwst, and steps derived from jwst's classes, as hooks of gpipe's."""

import numpy as np
import pytest

pytest.importorskip("jwst")

from helpers.stub_steps import AddStep, uncal
from jwst.lastframe import LastFrameStep
from jwst.stpipe import Step

from gpipe.exceptions import GpipeError

pytestmark = pytest.mark.parity


class Twice(Step):
    """Doubles every sample."""

    spec = "factor = float(default=2.0)"

    def process(self, model):
        result = model.copy()
        result.data *= self.factor
        return result


@pytest.fixture(autouse=True)
def _without_crds(monkeypatch):
    for variable in ("CRDS_PATH", "CRDS_SERVER_URL"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(("pre", "post", "value"), [([Twice], [], 21), ([], [Twice], 22), ([], [Twice(factor=3)], 33)])
def test_hooks_of_jwst_are_run(pre, post, value):
    assert np.all(AddStep.call(uncal(), pre_hooks=pre, post_hooks=post, configure_log=False).data == value)


def test_a_step_with_two_results_is_named():
    class Two(Step):
        def process(self, model):
            return model, model.copy()

    with pytest.raises(GpipeError, match=r"^AddStep\.post_hooks: hook \S*Two: found 2 results"):
        AddStep.call(uncal(), post_hooks=[Two], configure_log=False)


def test_a_step_of_jwst_itself():
    found = AddStep.call(uncal(), post_hooks=[LastFrameStep()], configure_log=False)
    assert found.meta.cal_step.lastframe == "SKIPPED"  # it is for MIRI
    assert np.all(found.data == 11)
