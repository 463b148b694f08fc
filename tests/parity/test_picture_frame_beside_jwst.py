"""picture_frame against jwst 3.0.0: ramps and rates of small images, and a full frame of NIRSpec with a picture frame.

Compared: SCI after the step, the mask and the correction that it saves; for the full frame the draft rates, and so the
mask, are each package's own. jwst's regions are scaled to the small images.
"""

import numpy as np
import pytest
from helpers.comparison import compare_flags, compare_science
from helpers.nirspec_wcs import behind_slices, behind_slits
from helpers.stub_exposures import StubReference
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe import dq
from gpipe.controller import References
from gpipe.datamodels import open_exposure
from gpipe.picture_frame import PictureFrameStep
from gpipe.picture_frame.regions import Regions
from gpipe.simulate import ExposureConfig, NoiseEffects

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]
SIDE = 2048
SMALL_SIDE = 60
SMALL = Regions(lower=(1, 9), middle=(10, 50), upper=(51, 58))


def described(model, exp_type="NRS_FIXEDSLIT"):
    """Set the metadata of a full frame that both packages read."""
    meta = model.meta
    meta.telescope, meta.filename = "JWST", "jw1_rate.fits"
    meta.instrument.name, meta.instrument.detector = "NIRSPEC", "NRS1"
    rows, columns = model.data.shape[-2:]
    placed = {"xstart": 1, "ystart": 1, "xsize": columns, "ysize": rows, "fastaxis": 2, "slowaxis": 1}
    for name, value in placed.items():
        setattr(meta.subarray, name, value)
    meta.subarray.name = "FULL"
    settings = {"type": exp_type, "readpatt": "NRSRAPID", "nframes": 1, "groupgap": 0, "frame_time": 10.0}
    for name, value in (settings | {"group_time": 10.0, "nints": 1, "ngroups": 5}).items():
        setattr(meta.exposure, name, value)
    meta.cal_step.ramp_fit = "COMPLETE"
    return model


def scene(rng, shape, strength):
    """Rates with a picture frame, a source, bad pixels and gaps; and the pattern, with gaps too."""
    y, x = np.indices(shape[-2:])
    side = shape[-1]
    edge = np.minimum(np.minimum(y, side - 1 - y), np.minimum(x, side - 1 - x)) < side // 6
    pattern = (edge + rng.normal(0, 0.02, shape[-2:])).astype(np.float32)
    data = (0.3 + strength * pattern + rng.normal(0, 0.05, shape)).astype(np.float32)
    data[..., side // 3 : side // 2, side // 3 : side // 2] += 20
    data[rng.random(shape) < 0.01] = np.nan
    data[rng.random(shape) < 0.01] = 0
    data[rng.random(shape) < 0.01] -= 30
    pattern[rng.random(pattern.shape) < 0.005] = np.nan
    return data, pattern


def rate_model(data, flags, exp_type="NRS_FIXEDSLIT"):
    kind = datamodels.ImageModel if data.ndim == 2 else datamodels.CubeModel
    planes = {name: data.copy() for name in ("err", "var_poisson", "var_rnoise")}
    return described(kind(data=data, dq=flags, **planes), exp_type)


def by_gpipe(model, pattern, **parameters):
    """The exposure after the step, its mask and its correction."""
    step = PictureFrameStep(save_mask=True, save_correction=True, **parameters)
    references = References({"pictureframe": StubReference(data=pattern)})
    produced = step.apply(open_exposure(model, gpipe.backends.get("numpy")), references)
    return produced.results[0], *(product.model.data for product in produced.side_products)


def compared(ours, mask, correction, theirs):
    corrected, their_mask, their_correction, status = theirs
    assert status == "COMPLETE"
    shape = corrected.data.shape
    assert np.isfinite(corrected.data).any()
    return [
        compare_science("SCI", ours.data, corrected.data, 0.05),
        compare_flags("mask", mask == 1, their_mask.data == 1),
        compare_science("correction", correction.reshape(shape), their_correction.data, 0.05),
    ]


@pytest.mark.parametrize("shape", [(SMALL_SIDE, SMALL_SIDE), (3, SMALL_SIDE, SMALL_SIDE)])
@pytest.mark.parametrize("n_sigma", [2.0, 1.0, 4.0, 0.0])
def test_rates(shape, n_sigma, monkeypatch, agree):
    jwst = pytest.importorskip("jwst.picture_frame.picture_frame")
    monkeypatch.setattr(PictureFrameStep, "regions", SMALL)
    for name, region in {"LOWER_EDGE": SMALL.lower, "CENTER": SMALL.middle, "UPPER_EDGE": SMALL.upper}.items():
        monkeypatch.setattr(jwst, f"{name}_REGION", region)
    agreements = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        data, pattern = scene(rng, shape, rng.uniform(-0.08, 0.08))
        model = rate_model(data, np.zeros(shape, np.uint32))
        ours = by_gpipe(model, pattern, mask_science_regions=False, n_sigma=n_sigma)
        theirs = jwst.correct_picture_frame(
            model.copy(),
            datamodels.PictureFrameModel(data=pattern),
            mask_science_regions=False,
            n_sigma=n_sigma,
            save_mask=True,
            save_correction=True,
        )
        agreements += compared(*ours, theirs)
    agree(agreements)


@pytest.mark.parametrize("exp_type", ["NRS_FIXEDSLIT", "NRS_MSASPEC", "NRS_IFU"])
def test_science_regions(exp_type, monkeypatch, agree):
    """With a WCS and flags of open shutters in the rates, jwst's steps for them have nothing left to do."""
    jwst = pytest.importorskip("jwst.picture_frame.picture_frame")
    monkeypatch.setattr(jwst.cfn, "post_process_rate", lambda model, **_: model)
    rng = np.random.default_rng(5)
    data, pattern = scene(rng, (SIDE, SIDE), 1.0)
    flags = np.where(rng.random(data.shape) < 0.01, np.uint32(dq.MSA_FAILED_OPEN), np.uint32(0))
    model = rate_model(data, flags, exp_type)
    labels = np.zeros(data.shape, np.int32)
    for number in range(30):
        labels[60 * number + 40 : 60 * number + 70, 300:1700] = number + 1
    boxes = {3: ((9.3, 1850.5), (405.5, 460.49)), 7: ((600, 1940), (1300.5, 1360.5))}
    model.meta.wcs = behind_slices(labels) if exp_type == "NRS_IFU" else behind_slits(boxes)
    model.meta.cal_step.msa_flagging = "COMPLETE"
    ours = by_gpipe(model, pattern)
    theirs = jwst.correct_picture_frame(
        model.copy(), datamodels.PictureFrameModel(data=pattern), save_mask=True, save_correction=True
    )
    agree(compared(*ours, theirs))


def edge_above_middle(ramp):
    """Compute the excess of the edges over the middle at the end of a ramp."""
    grown = ramp.data[0, -1] - ramp.data[0, 0]
    return np.nanmedian(Regions().frame_of(grown)) - np.nanmedian(Regions().middle_of(grown))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, pytest.param(12, marks=pytest.mark.thorough)])
def test_full_frame(seed, exposure_and_cache, agree):
    jwst_step = pytest.importorskip("jwst.picture_frame").PictureFrameStep
    from gpipe.pipeline import Detector1Pipeline

    warm = NoiseEffects(picture_frame=0.03)
    exposure = exposure_and_cache(
        ExposureConfig(detector="NRS1", readpatt="NRSRAPID", ngroups=6, nints=1, seed=seed, noise=warm)
    )
    ramp = Detector1Pipeline.call(exposure.path, steps={"ramp_fit": {"skip": True}}, configure_log=False)
    wanted = {"mask_science_regions": False, "save_mask": True, "save_correction": True, "skip": False}
    ours = PictureFrameStep.call(ramp, output_dir="ours", configure_log=False, **wanted)
    theirs = jwst_step.call(ramp, output_dir="theirs", **wanted)
    assert ours.meta.cal_step.picture_frame == theirs.meta.cal_step.picture_frame == "COMPLETE"
    assert abs(edge_above_middle(ours)) < 0.25 * abs(edge_above_middle(ramp))
    noise = np.float32(exposure.config.sca.read_noise / exposure.config.sca.gain)
    stem = exposure.path.name.replace("_uncal.fits", "")
    agreements = [
        compare_science("SCI", ours.data, theirs.data, noise),
        compare_flags("GROUPDQ", ours.groupdq, theirs.groupdq),
    ]
    for suffix, compare in (("pctfrm_mask", compare_flags), ("pctfrm_correction", compare_science)):
        with (
            datamodels.open(f"ours/{stem}_{suffix}.fits") as our_product,
            datamodels.open(f"theirs/{stem}_{suffix}.fits") as their_product,
        ):
            assert type(our_product) is type(their_product)
            error = {} if compare is compare_flags else {"error": noise}
            agreements.append(compare(suffix, our_product.data, their_product.data, **error))
    agree(agreements)
