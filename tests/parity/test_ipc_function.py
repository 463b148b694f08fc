"""ipc against jwst's: SCI equal, with one kernel or one for each pixel, inside the detector and at its edges.

Kernels are random ones, and those of the simulator.
"""

import numpy as np
import pytest
from helpers.early_steps import apply, assert_same_ramp, ramp_model, ramps, reference_model
from helpers.simulated import mid_infrared
from stdatamodels.jwst.datamodels import RampModel

from gpipe.simulate import DetectorEffects

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("own_kernels", [False, True])
@pytest.mark.parametrize("corner", [(1, 1), (3, 2), (11, 9)])
@pytest.mark.parametrize("size", [(3, 3), (5, 3)])
def test_convolution(own_kernels, corner, size):
    ipc_corr = pytest.importorskip("jwst.ipc.ipc_corr")
    from gpipe.ipc import IPCStep

    rng = np.random.default_rng(sum(corner) + own_kernels)
    model = ramp_model(**ramps(rng, (12, 14)), corner=corner)
    kernel = rng.normal(0, 0.01, size + ((24, 30) if own_kernels else ())).astype(np.float32)
    kernel[size[0] // 2, size[1] // 2] += 1
    reference = reference_model("IPCModel", corner=(1, 1), data=kernel)
    ours = apply(IPCStep(), model, ipc=reference)
    theirs = ipc_corr.do_correction(model.copy(), reference.copy())
    assert_same_ramp(ours, theirs)
    assert (theirs.data != model.data).any()


def test_top_and_right_edges_of_the_detector():
    ipc_corr = pytest.importorskip("jwst.ipc.ipc_corr")
    from gpipe.ipc import IPCStep

    rng = np.random.default_rng(5)
    model = ramp_model(**ramps(rng, (12, 14)), corner=(2048 - 13, 2048 - 11))
    kernel = np.array([[0, -0.01, 0], [-0.02, 1.06, -0.01], [0, -0.02, 0]], dtype=np.float32)
    reference = reference_model("IPCModel", data=kernel)
    ours = apply(IPCStep(), model, ipc=reference)
    assert_same_ramp(ours, ipc_corr.do_correction(model.copy(), reference.copy()))


EFFECTS = {
    "identity": DetectorEffects(ipc_kernel="3x3"),
    "3x3": DetectorEffects(ipc=0.005, ipc_kernel="3x3"),
    "5x5": DetectorEffects(ipc=0.005, ipc_kernel="5x5"),
    "each pixel": DetectorEffects(ipc=0.005, ipc_variation=0.1, ipc_kernel="each pixel"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kernel", EFFECTS)
def test_kernels_of_simulated_references(kernel, exposure_and_cache):
    """jwst finds them through CRDS and takes them. MIRI's are small even if each pixel has one."""
    jwst_ipc = pytest.importorskip("jwst.ipc")
    from gpipe.ipc import IPCStep

    config = mid_infrared(pixels=EFFECTS[kernel], ngroups=2)
    path = str(exposure_and_cache(config, full_frame=False).path)
    theirs = jwst_ipc.IPCStep.call(path, configure_log=False)
    ours = IPCStep.call(path, configure_log=False)
    assert theirs.meta.cal_step.ipc == ours.meta.cal_step.ipc == "COMPLETE"
    assert theirs.meta.ref_file.ipc.name == ours.meta.ref_file.ipc.name == "crds://jwst_miri_ipc_0001.fits"
    assert_same_ramp(ours, theirs)
    with RampModel(path) as before:
        assert (before.data == theirs.data).all() == (kernel == "identity")
