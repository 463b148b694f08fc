"""clean_flicker_noise of MIRI against jwst 3.0.0: ramps and rates with vertical stripes, masks, and skipped exposures.

Compared: SCI after the step and the mask. References of the steps that jwst runs inside are handed to it by hand.
"""

from functools import partial

import numpy as np
import pytest
from helpers.comparison import compare_flags, compare_science
from helpers.early_steps import apply, ramp_model, reference_model

from gpipe.clean_flicker_noise import CleanFlickerNoiseStep
from gpipe.controller import Skip
from gpipe.simulate import ExposureConfig, write_cache

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

SHAPE = (64, 72)
NOISE = 6.0


def at_miri(model):
    model.meta.instrument.name, model.meta.instrument.detector = "MIRI", "MIRIMAGE"
    model.meta.subarray.name = "SUB64"
    return model


def ramps(seed, kind="MIR_IMAGE"):
    """Ramps with sources and columns that flicker; the first and the last group cannot be used."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(30, NOISE, (2, 6, *SHAPE)) + rng.normal(0, 8, (2, 6, 1, SHAPE[1]))
    steps[..., 20:26, 30:36] += 400
    groupdq = np.zeros(steps.shape, np.uint8)
    groupdq[:, [0, -1]] = 1
    groupdq[rng.random(steps.shape) < 0.01] |= 4
    pixeldq = rng.choice(np.array([0] * 50 + [1, 512, 1024], np.uint32), SHAPE)
    model = ramp_model(
        np.cumsum(steps, axis=1).astype(np.float32), groupdq=groupdq, pixeldq=pixeldq, corner=(1, 1), type=kind,
        readpatt="FASTR1", frame_time=1.0, group_time=1.0,
    )  # fmt: skip
    model.meta.subarray.fastaxis, model.meta.subarray.slowaxis = 1, 2
    return at_miri(model)


def rates(seed):
    from stdatamodels.jwst.datamodels import CubeModel

    source = ramps(seed)
    model = CubeModel(data=source.data[:, 2] - source.data[:, 1], err=np.ones((2, *SHAPE), np.float32))
    model.update(source)
    model.dq = np.broadcast_to(source.pixeldq, model.data.shape).copy()
    model.dq[1, 40:44] |= 1
    model.var_poisson, model.var_rnoise = model.err / 2, model.err / 2
    return model


def references(seed):
    rng = np.random.default_rng([seed, 1])
    flat = rng.normal(1, 0.05, SHAPE).astype(np.float32)
    flat[rng.random(SHAPE) < 0.01], flat[rng.random(SHAPE) < 0.01] = np.nan, 0
    err = np.where(rng.random(SHAPE) < 0.01, np.nan, 0.01).astype(np.float32)
    dq = rng.choice(np.array([0] * 60 + [1, 512, 1 << 18, 1 << 25], np.uint32), SHAPE)
    dq[:, :12] |= 512
    models = {
        "flat": reference_model("FlatModel", (1, 1), data=flat, err=err, dq=dq),
        "gain": reference_model("GainModel", (1, 1), data=np.full(SHAPE, 4, np.float32)),
        "readnoise": reference_model("ReadnoiseModel", (1, 1), data=np.full(SHAPE, NOISE, np.float32)),
    }
    return {name: at_miri(model) for name, model in models.items()}


@pytest.fixture(scope="module")
def crds(tmp_path_factory):
    """A CRDS cache for the steps inside of jwst's, which ask for its context."""
    config = ExposureConfig(detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB64", ngroups=3)
    cache = write_cache([config], tmp_path_factory.mktemp("flicker") / "crds_cache", full_frame=False)
    with cache.activated():
        yield


@pytest.fixture
def theirs(monkeypatch, tmp_path, crds):
    """Return a function that runs jwst's step on a model: its result and the mask."""
    module = pytest.importorskip("jwst.clean_flicker_noise.clean_flicker_noise")

    def run(model, models, **parameters):
        paths = {f"override_{name}": str(tmp_path / f"{name}.fits") for name in models}
        for name, reference in models.items():
            reference.save(paths[f"override_{name}"])
        flat = paths.pop("override_flat")
        monkeypatch.setattr(module.FlatFieldStep, "reference_file_types", ["flat"])  # not those of NIRSpec
        monkeypatch.setattr(module, "FlatFieldStep", partial(module.FlatFieldStep, override_flat=flat))
        monkeypatch.setattr(module, "RampFitStep", partial(module.RampFitStep, **paths))
        divides = flat if parameters.pop("apply_flat_field", False) else None
        result = module.do_correction(model.copy(), flat_filename=divides, save_mask=True, **parameters)
        return result[0], result[1], result[-1]

    return run


OPTIONS = [
    {},
    {"mask_science_regions": True},
    {"mask_science_regions": True, "single_mask": False, "n_sigma": 3.0},
    {"fit_by_channel": True, "background_method": None},
    {"apply_flat_field": True, "mask_science_regions": True},
    {"background_method": "median_image", "single_mask": False},
]


@pytest.mark.parametrize(("seed", "make"), [(1, ramps), (2, rates)])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "defaults")
def test_images(seed, options, make, theirs, agree, monkeypatch):
    if options.get("background_method") == "median_image":
        import jwst.clean_flicker_noise.clean_flicker_noise as module

        monkeypatch.setattr(module, "AssignWcsStep", _NoWcs)
    model, models = make(seed), references(seed)
    cleaned, mask, status = theirs(model, models, **options)
    assert status == "COMPLETE"
    step = CleanFlickerNoiseStep(skip=False, save_mask=True, **options)
    ours = apply(step, model, pastasoss=None, **models)
    found = ours.side_products[0].model.data.astype(bool)
    agree([
        compare_science("SCI", ours.results[0].data, cleaned.data, NOISE),
        compare_flags("mask", found, mask.data.astype(bool)),
    ])  # fmt: skip
    assert np.nanmax(np.abs(cleaned.data - model.data)) > NOISE


class _NoWcs:
    """A WCS is made for images too, and not used."""

    def run(self, model):
        return model


@pytest.mark.parametrize("kind", ["MIR_MRS", "MIR_LRS-SLITLESS", "MIR_LYOT"])
def test_other_exposures_stay_as_they_are(kind, theirs):
    model, models = ramps(3, kind), references(3)
    assert theirs(model, models)[2] == "FAILED"
    with pytest.raises(Skip):
        apply(CleanFlickerNoiseStep(skip=False), model, pastasoss=None, **models)
