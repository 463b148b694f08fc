"""Simple Improved Reference Subtraction against jwst 3.0.0, live.

Compared: kernels to 1e-6; pixels after the correction to 1e-6 of the value or 0.002 DN (jwst computes the first
group of an exposure in float32); and the whole step on a simulated full frame, with what its header records.
"""

import numpy as np
import pytest
from helpers.comparison import compare_ramps
from helpers.refpix_parity import FULL, assert_same, exposure, orientation

from gpipe.pipeline import Detector1Pipeline
from gpipe.refpix import RefPixStep
from gpipe.refpix.correction import correct_four_amplifiers
from gpipe.refpix.settings import DriftSettings
from gpipe.refpix.sirs import convolution_kernels
from gpipe.simulate import ExposureConfig

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


def coefficients(frequencies, seed=1):
    """Coefficients of low-pass filters, with some noise: (side, amplifier, frequency)."""
    rng = np.random.default_rng(seed)
    shape = (2, 4, frequencies)
    smooth = 0.5 / (1 + np.arange(frequencies) / 40)
    return smooth + 0.02 * (rng.normal(size=shape) + 1j * rng.normal(size=shape))


def jwst_model(both):
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    return datamodels.SIRSKernelModel({"nrca1": {"gamma": both[0], "zeta": both[1]}})


@pytest.mark.parametrize(("gaussmooth", "halfwidth"), [(1.0, 30), (0.4, 12), (3.0, 100), (1.0, 1)])
def test_kernels(gaussmooth, halfwidth):
    jwst = pytest.importorskip("jwst.refpix.optimized_convolution")
    both = coefficients(1025)
    theirs = jwst.make_kernels(jwst_model(both), "NRCA1", gaussmooth, halfwidth)
    ours = convolution_kernels(both, gaussmooth=gaussmooth, halfwidth=halfwidth)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("axes", [(1, 2), (-1, -2), (-2, -1)])
@pytest.mark.parametrize(("sigreject", "odd_even_columns"), [(4.0, True), (1.5, False)])
def test_full_frame(axes, sigreject, odd_even_columns):
    reference_pixels = pytest.importorskip("jwst.refpix.reference_pixels")
    from stdatamodels.jwst.datamodels import RampModel

    data, pixeldq = exposure(FULL, seed=7)
    both = coefficients(1025)
    model = RampModel(data=data.copy(), pixeldq=pixeldq.copy(), groupdq=np.zeros(data.shape, np.uint8))
    model.meta.instrument.name, model.meta.instrument.detector = "NIRCAM", "NRCA1"
    subarray = model.meta.subarray
    subarray.name, (subarray.fastaxis, subarray.slowaxis) = "FULL", axes
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = FULL
    model.meta.exposure.noutputs = 4
    sirs = {
        "refpix_algorithm": "sirs",
        "sirs_kernel_model": jwst_model(both),
        "sigreject": sigreject,
        "gaussmooth": 1.0,
        "halfwidth": 30,
    }
    reference_pixels.correct_model(model, odd_even_columns, True, 11, 1.0, True, sirs, 3.0)
    kernels = convolution_kernels(both, gaussmooth=1.0, halfwidth=30)
    settings = DriftSettings(odd_even_columns=odd_even_columns, side_kernels=kernels, sigreject=sigreject)
    ours = correct_four_amplifiers(data, pixeldq, orientation(axes, FULL), settings)
    assert_same(ours, model.data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        {"detector": "NIS", "readpatt": "NISRAPID"},
        {"detector": "NRCBLONG", "readpatt": "RAPID", "zero_frame": True},
    ],
    ids=["niriss", "nircam"],
)
def test_step_and_what_its_header_records(kind, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    config = ExposureConfig(**kind, ngroups=2, seed=21)
    simulated = exposure_and_cache(config)
    model = str(simulated.path)
    for name in ("dq_init", "saturation", "superbias"):
        model = jwst_pipeline.Detector1Pipeline.step_defs[name].call(model)
    ours = Detector1Pipeline.step_defs["refpix"].call(model, refpix_algorithm="sirs", configure_log=False)
    theirs = jwst_pipeline.Detector1Pipeline.step_defs["refpix"].call(model, refpix_algorithm="sirs")
    median = RefPixStep.call(model, configure_log=False)
    agree(compare_ramps("sirs", ours, theirs, np.float32(config.sca.read_noise / config.sca.gain)))
    assert ours.meta.ref_file.sirskernel.name == theirs.meta.ref_file.sirskernel.name
    assert ours.meta.ref_file.sirskernel.name.endswith("_sirskernel_0001.asdf")
    assert not median.meta.ref_file.hasattr("sirskernel")
    assert np.std(ours.data[0, 0] - median.data[0, 0]) > 0.1
