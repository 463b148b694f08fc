"""Resampled images against jwst's ResampleStep, from the same calibrated images."""

import warnings

import numpy as np
import pytest
from helpers.cals import cal_model
from helpers.wcs import FGS, MIRI, NIRCAM, NIRISS

from gpipe.resample import ResampleStep

pytestmark = pytest.mark.parity

VARIANCES = ("var_poisson", "var_rnoise", "var_flat")
EDGE = 8
"""Pixels of a border where the grid cuts images: there jwst loses light."""
OPTICS = {"NIRCAM": NIRCAM, "NIRISS": NIRISS, "MIRI": MIRI, "FGS": FGS}


def cals(number, optics=NIRCAM, **options):
    shift = optics.scale / 3600
    places = [(53.1 + (3.3 * k % 7) * shift, -27.8 + (2.7 * k % 5) * shift, 40 + 3 * k) for k in range(number)]
    return [cal_model(k, optics, ra=ra, dec=dec, roll=roll, **options) for k, (ra, dec, roll) in enumerate(places)]


def of_jwst(models, **parameters):
    from jwst.resample import ResampleStep as Peer

    copies = [model.copy() for model in models]
    with warnings.catch_warnings(action="ignore"):  # kernels that do not conserve flux warn in C
        return Peer(**parameters).process(copies[0] if len(copies) == 1 else copies)


def of_gpipe(models, **parameters):
    return ResampleStep.call(models[0] if len(models) == 1 else models, **parameters)


def errors(ours, theirs, name):
    """Relative errors of a plane, and the pixels where they count."""
    here, there = (getattr(model, name).astype(np.float64) for model in (ours, theirs))
    scale = np.abs(there)
    if name == "data" and "err" in theirs.instance:
        scale = np.fmax(scale, theirs.err)
    if name == "wht":
        scale = np.full_like(there, np.median(there[there > 0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.abs(here - there) / scale
    return np.where((here == there) | (np.isnan(here) & np.isnan(there)), 0, found)


def check(models, ours, theirs, *, least=1.0):
    tolerance = max(2e-6, 5e-7 * np.sqrt(len(models)))
    assert ours.data.shape == theirs.data.shape
    planes = ("data", "wht", "err", *VARIANCES)
    inner = (slice(EDGE, -EDGE),) * 2
    heavy = theirs.wht[inner] > 1e-6 * np.median(theirs.wht[theirs.wht > 0])
    for name in planes:
        assert (name in ours.instance) == (name in theirs.instance), name
        if name in ours.instance:
            found = errors(ours, theirs, name)[inner][heavy]
            assert np.mean(found <= tolerance) >= least, (name, found.max())
    for name in ("con", "dq"):
        assert (name in ours.instance) == (name in theirs.instance), name
        if name in ours.instance:
            here, there = (getattr(model, name)[(..., *inner)] for model in (ours, theirs))
            assert np.mean((here == there)[..., heavy]) >= least, name


@pytest.mark.parametrize("optics", OPTICS)
def test_one_image_of_each_instrument(optics):
    models = cals(1, OPTICS[optics])
    check(models, of_gpipe(models), of_jwst(models))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"pixel_scale_ratio": 0.7, "pixfrac": 0.8},
        {"weight_type": "exptime", "propagate_dq": True},
        {"enable_err": False},
        {"report_var": False, "enable_ctx": False, "fillval": "-3"},
        {"rotation": 0.0, "pixel_scale_ratio": 1.3},
        {"pixmap_stepsize": 12, "pixmap_order": 3},
        {"kernel": "turbo", "pixfrac": 0.6},
        {"kernel": "point"},
        {"kernel": "gaussian"},
    ],
    ids=str,
)
def test_three_images(parameters):
    models = cals(3)
    least = 1.0 if "kernel" not in parameters else 0.9999
    check(models, of_gpipe(models, **parameters), of_jwst(models, **parameters), least=least)


@pytest.mark.parametrize("kernel", ["lanczos2", "lanczos3"])
def test_kernels_with_negative_weights(kernel):
    models = cals(3)
    ours, theirs = of_gpipe(models, kernel=kernel), of_jwst(models, kernel=kernel)
    heavy = theirs.wht > 0.1 * np.median(theirs.wht[theirs.wht > 0])
    contrast = np.std(models[0].data, where=np.isfinite(models[0].data))
    assert np.mean(np.abs(ours.data - theirs.data)[heavy] <= 1e-4 * contrast) > 0.99


def test_a_grid_that_cuts_images():
    models = cals(2)
    parameters = {"output_shape": [50, 45], "crpix": [30, 25]}
    check(models, of_gpipe(models, **parameters), of_jwst(models, **parameters))


def test_a_bounding_box_leaves_out_a_ring():
    models = cals(2, box=((3.5, 40.2), (-0.5, 44.5)))
    check(models, of_gpipe(models), of_jwst(models))


@pytest.mark.thorough
def test_forty_images_have_two_planes_of_context():
    models = cals(40, shape=(28, 30))
    ours, theirs = of_gpipe(models), of_jwst(models)
    assert ours.con.shape[0] == theirs.con.shape[0] == 2
    assert (ours.con < 0).any()
    check(models, ours, theirs)


def test_single_gives_the_same_images():
    models = cals(2)
    theirs = of_jwst(models, single=True)
    with theirs:
        for k, ours in enumerate(of_gpipe(models, single=True)):
            model = theirs.borrow(k)
            check(models, ours, model)
            theirs.shelve(model, k, modify=False)


def test_metadata_are_the_same():
    models = cals(3)
    ours, theirs = (dict(leaves(made(models).meta.instance)) for made in (of_gpipe, of_jwst))
    its_own = {"date", "filename", "wcs", "calibration_software_version", "calibration_software_revision"}
    differing = {key for key in ours.keys() | theirs.keys() if not same(ours.get(key), theirs.get(key))}
    assert differing - its_own == {"asn.exptype"}


def leaves(node, path=""):
    for key, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def same(here, there):
    return here == pytest.approx(there, rel=1e-8, abs=1e-8) if isinstance(here, float) else here == there
