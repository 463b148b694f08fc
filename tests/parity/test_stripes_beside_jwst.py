"""Multistripe subarrays against jwst 3.0.0, live: each step on the same input, and the products.

Compared: SCI, GROUPDQ, PIXELDQ after each step, the products of the pipeline at the tolerances of ``comparison.py``,
subarray, integration times and read times of what refpix puts together. Headers of superstripes are compared in
``test_fitsdiff.py``. Left out: lines of a superstripe exposure where nothing was read. jwst gives them a rate of 0 with
a finite error and no DO_NOT_USE, gpipe NaN and DO_NOT_USE.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.comparison import compare_ramps, compare_rates
from helpers.exposures import STRIPED

from gpipe.datamodels import Window
from gpipe.datamodels.exposures.stripes import StripePattern, window_of
from gpipe.pipeline import Detector1Pipeline
from gpipe.refpix.superstripes_exposure import read_times
from gpipe.simulate.detectors import DETECTORS
from gpipe.simulate.striped import STRIPED_SUBARRAYS, StripedSubarray

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
RAMP_STEPS = (
    "group_scale", "dq_init", "saturation", "superbias", "refpix", "linearity", "dark_current", "jump",
)  # fmt: skip
COLUMNS_READ = dict.fromkeys(STRIPED, 2048) | {
    "niriss-superstripes": 2040,
    "nircam-superstripes": 64,
    "nircam-repeats": 64,
}
REPEATED = STRIPED_SUBARRAYS["NRCB1", "SUB64P_SUPSTP002"]
PATTERNS = {
    **STRIPED_SUBARRAYS,
    ("NRCA1", "IN_A_ROW"): StripedSubarray(Window(1, 1, 2048, 22), 2, 10, 5, 3, repeats=0),
    ("NRCA2", "PURE"): StripedSubarray(Window(101, 1948, 64, 8), 0, 0, 0, 0, repeats=0, step=8, superstripes=8),
}


def where_read(rates):
    """The columns in which something was read; those of the others are NaN in all rows."""
    return ~np.isnan(rates.data).reshape(-1, rates.data.shape[-1]).all(axis=0)


def only(rates, columns):
    planes = ("data", "dq", "err", "var_poisson", "var_rnoise")
    return SimpleNamespace(**{name: getattr(rates, name)[..., columns] for name in planes})


@pytest.mark.parametrize("kind", STRIPED)
def test_each_step(kind, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    exposure = exposure_and_cache(STRIPED[kind])
    theirs_of, ours_of = jwst_pipeline.Detector1Pipeline.step_defs, Detector1Pipeline.step_defs
    noise = np.float32(exposure.config.sca.read_noise / exposure.config.sca.gain)
    agreements, model = [], str(exposure.path)
    for name in RAMP_STEPS:
        ours, theirs = ours_of[name].call(model, configure_log=False), theirs_of[name].call(model)
        assert type(ours) is type(theirs)
        agreements += compare_ramps(name, ours, theirs, noise)
        model = theirs
    agree(agreements)
    assert ours.meta.subarray.instance == theirs.meta.subarray.instance
    for name in ("nints", "ngroups", "integration_start", "integration_end"):
        assert getattr(ours.meta.exposure, name) == getattr(theirs.meta.exposure, name)
    assert bool(ours.meta.exposure.read_times) == bool(theirs.meta.exposure.read_times) == (kind == "nircam-repeats")
    if kind == "nircam-repeats":
        np.testing.assert_allclose(ours.meta.exposure.read_times, theirs.meta.exposure.read_times, rtol=1e-12)


@pytest.mark.parametrize("kind", STRIPED)
def test_products(kind, exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    from stdatamodels.jwst import datamodels

    exposure = exposure_and_cache(STRIPED[kind])
    stem = exposure.path.name.replace("_uncal.fits", "")
    Detector1Pipeline.call(exposure.path, output_dir="ours", configure_log=False)
    jwst_pipeline.Detector1Pipeline.call(str(exposure.path), output_dir="theirs", save_results=True)
    agreements = []
    for suffix in ("rate", "rateints"):
        ours, theirs = (datamodels.open(f"{folder}/{stem}_{suffix}.fits") for folder in ("ours", "theirs"))
        read = where_read(ours)
        assert read.sum() == COLUMNS_READ[kind]
        agreements += compare_rates(suffix, only(ours, read), only(theirs, read))
    agree(agreements)
    for table in ("int_times", "int_times_stripe"):
        mine, reference = (model.instance.get(table) for model in (ours, theirs))
        assert (mine is None or len(mine) == 0) == (reference is None or len(reference) == 0)
        if mine is not None and len(mine):
            for column in reference.dtype.names:
                np.testing.assert_allclose(mine[column], reference[column], rtol=1e-15)


@pytest.mark.parametrize(("detector", "name"), PATTERNS, ids=lambda value: value)
def test_lines_of_each_pattern(detector, name):
    """A reference of row and column numbers, cut by both."""
    stripe_utils = pytest.importorskip("jwst.lib.stripe_utils")
    from stdatamodels.jwst.datamodels import RampModel

    striped = PATTERNS[detector, name]
    model = RampModel()
    for key, value in striped.keywords(name, DETECTORS[detector]).items():
        setattr(model.meta.subarray, key, value)
    packed = striped.packed
    along_rows = abs(DETECTORS[detector].slow) == 2
    number = np.arange(2048)[:, None] if along_rows else np.arange(2048)[None, :]
    shape = (2048, packed.xsize) if along_rows else (packed.ysize, 2048)
    reference = np.broadcast_to(number, shape)
    theirs = stripe_utils.generate_stripe_reference(reference, model)
    for stripe in range(max(striped.superstripes, 1)):
        window = window_of(model.meta, stripe)
        first, size = (window.ystart, window.ysize) if along_rows else (window.xstart, window.xsize)
        cut = reference[first - 1 : first - 1 + size] if along_rows else reference[:, first - 1 : first - 1 + size]
        np.testing.assert_array_equal(window.arrange(cut), theirs[stripe] if striped.superstripes else theirs)


@pytest.mark.parametrize(("noutputs", "nframes", "groupgap"), [(1, 1, 0), (4, 2, 3), (1, 4, 1)])
def test_read_times(noutputs, nframes, groupgap):
    stripe_utils = pytest.importorskip("jwst.lib.stripe_utils")
    from stdatamodels.jwst.datamodels import RampModel

    model = RampModel()
    for key, value in REPEATED.keywords("SUB64P_SUPSTP002", DETECTORS["NRCB1"]).items():
        setattr(model.meta.subarray, key, value)
    exposure = model.meta.exposure
    exposure.noutputs, exposure.nframes, exposure.groupgap, exposure.ngroups = noutputs, nframes, groupgap, 3
    np.testing.assert_allclose(read_times(model.meta), stripe_utils.stripe_read_times(model), rtol=1e-12)
    assert StripePattern.of(model.meta).count == 64
