import logging
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.jwst_stubs import MSAFileError, NoDataOnDetectorError, Peer, install
from helpers.nirspec_wcs import behind_slits
from helpers.stub_exposures import StubReference, references
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe import dq
from gpipe.controller import Skip
from gpipe.datamodels import Ramp, Rate
from gpipe.exceptions import ParameterError
from gpipe.picture_frame import PictureFrameStep
from gpipe.picture_frame.regions import Regions

SIDE = 40
SMALL = Regions(lower=(1, 6), middle=(7, 33), upper=(34, 39))
NUMPY = gpipe.backends.get("numpy")
EXPOSURE = {"type": "NRS_FIXEDSLIT", "nframes": 1, "groupgap": 0, "frame_time": 10.0, "group_time": 10.0}


@pytest.fixture(autouse=True)
def small_regions(monkeypatch):
    monkeypatch.setattr(PictureFrameStep, "regions", SMALL)


def header(kind=datamodels.RampModel, *, instrument="NIRSPEC", subarray="FULL", exp_type="NRS_FIXEDSLIT", wcs=None):
    model = kind()
    meta = model.meta
    meta.filename, meta.instrument.name, meta.subarray.name = "jw1_ramp.fits", instrument, subarray
    meta.exposure.instance.update(EXPOSURE | {"type": exp_type})
    if wcs is not None:
        meta.wcs, meta.cal_step.msa_flagging = wcs, "COMPLETE"
    return model


def pattern():
    frame = np.full((SIDE, SIDE), 2, np.float32)
    frame[7:33, 7:33] = 0
    return frame


def sky(rng, shape):
    return rng.normal(0, 0.02, shape).astype(np.float32)


def ramp(rng, groups=5, **described):
    """Ramps with a pattern that grows by 3 DN a group, and a source that 2 sigma do not reach."""
    rate = 1.5 * pattern() + sky(rng, pattern().shape) + 1
    rate[10:14, 10:14] += 40
    data = (100 + np.arange(groups)[None, :, None, None] * rate).astype(np.float32)
    return Ramp(
        header(**described),
        NUMPY,
        data=data,
        groupdq=np.zeros(data.shape, np.uint8),
        pixeldq=np.zeros(data.shape[-2:], np.uint32),
    )


def count_rate(rng, ints=None, **described):
    data = sky(rng, (SIDE, SIDE) if ints is None else (ints, SIDE, SIDE)) + np.float32(1.5) * pattern() + np.float32(1)
    data[..., 20:22, 20] = 40
    kind = datamodels.ImageModel if ints is None else datamodels.CubeModel
    zero = np.zeros_like(data)
    head = header(kind, **described)
    return Rate(head, NUMPY, data=data, dq=zero.astype(np.uint32), err=zero, var_poisson=zero, var_rnoise=zero)


def given():
    plane = {name: StubReference(data=np.full((SIDE, SIDE), 1, np.float32)) for name in ("readnoise", "gain")}
    return references(pictureframe=StubReference(data=pattern()), **plane)


def apply(exposure, **parameters):
    return PictureFrameStep(**{"mask_science_regions": False} | parameters).apply(exposure, given())


def step_at_edge(image):
    """How far the frame stands out from the middle."""
    return np.median(SMALL.frame_of(image)) - np.median(SMALL.middle_of(image))


def test_ramps_lose_their_pattern_and_keep_their_sources(rng):
    exposure = ramp(rng)
    (out,) = apply(exposure).results
    assert abs(step_at_edge(exposure.data[0, 4])) > 10
    assert abs(step_at_edge(out.data[0, 4])) < 0.1
    source = out.data[0, 4, 10:14, 10:14] - np.median(out.data[0, 4])
    np.testing.assert_allclose(source, 160, atol=1)
    assert out.groupdq is exposure.groupdq


@pytest.mark.parametrize("ints", [None, 2])
def test_rates_lose_their_pattern(rng, ints):
    exposure = count_rate(rng, ints)
    (out,) = apply(exposure).results
    assert out.data.shape == exposure.data.shape
    assert abs(step_at_edge(out.data.reshape(-1, SIDE, SIDE)[0])) < 0.1
    assert out.err is exposure.err


def test_skipped_unless_wanted():
    assert PictureFrameStep().skip


def test_nothing_is_saved_on_the_side_unless_wanted(rng):
    assert apply(ramp(rng)).side_products == ()


@pytest.mark.parametrize("ints", ["ramp", None, 2])
def test_save_mask_and_save_correction(rng, ints):
    exposure = ramp(rng) if ints == "ramp" else count_rate(rng, ints)
    produced = apply(exposure, save_mask=True, save_correction=True)
    mask, correction = produced.side_products
    assert (mask.suffix, correction.suffix) == ("pctfrm_mask", "pctfrm_correction")
    assert isinstance(mask.model, datamodels.ImageModel)
    assert set(np.unique(mask.model.data)) == {0, 1}
    np.testing.assert_array_equal(correction.model.data, produced.results[0].data - exposure.data)
    assert correction.model.meta.filename == exposure.meta.filename


def mask_of(exposure, **parameters):
    return apply(exposure, save_mask=True, **parameters).side_products[0].model.data == 1


def test_n_sigma_says_what_is_a_source(rng):
    exposure = ramp(rng)
    assert not mask_of(exposure, n_sigma=2.0)[11, 11]
    assert mask_of(exposure, n_sigma=0.0)[11, 11]


@pytest.mark.parametrize("kind", ["ramp", "rate"])
def test_mask_science_regions_leaves_slits_and_open_shutters_out(rng, kind):
    wcs = behind_slits({1: ((3, 30), (20, 25))})
    exposure = ramp(rng, wcs=wcs) if kind == "ramp" else count_rate(rng, wcs=wcs)
    (exposure.pixeldq if kind == "ramp" else exposure.dq)[8, 8] = dq.MSA_FAILED_OPEN
    masked = mask_of(exposure, mask_science_regions=True, n_sigma=0)
    expected = np.ones((SIDE, SIDE), bool)
    expected[20:25, 3:30] = expected[8, 8] = False
    np.testing.assert_array_equal(masked, expected)
    assert mask_of(exposure, n_sigma=0).all()


@pytest.mark.parametrize("kind", ["ramp", "rate"])
def test_jwst_tells_where_slits_and_open_shutters_are(rng, kind, monkeypatch):
    opened = np.zeros((SIDE, SIDE), bool)
    opened[8, 8] = True
    peer = Peer(monkeypatch, wcs=behind_slits({1: ((3, 30), (20, 25))}), opened=opened)
    exposure = ramp(rng) if kind == "ramp" else count_rate(rng)
    masked = mask_of(exposure, mask_science_regions=True, n_sigma=0, input_dir="given")
    expected = np.ones((SIDE, SIDE), bool)
    expected[20:25, 3:30] = expected[8, 8] = False
    np.testing.assert_array_equal(masked, expected)
    assert [(asked.name, asked.folder) for asked in peer.asked] == [("assign_wcs", "given"), ("msaflagopen", "given")]
    assert getattr(exposure.meta, "wcs", None) is None


def test_without_a_slit_on_the_detector_sources_are_found_by_their_brightness_alone(rng, monkeypatch, caplog):
    Peer(monkeypatch, wcs=NoDataOnDetectorError("No open slits"))
    exposure = ramp(rng)
    exposure.pixeldq[8, 8] = dq.MSA_FAILED_OPEN
    np.testing.assert_array_equal(mask_of(exposure, mask_science_regions=True), mask_of(exposure))
    assert "mask_science_regions has no effect: No open slits" in caplog.messages


def test_without_its_msa_file_an_exposure_is_left_alone(rng, monkeypatch):
    Peer(monkeypatch, wcs=MSAFileError("Missing file"))
    with pytest.raises(Skip, match="no WCS: MSA metadata file: Missing file"):
        apply(ramp(rng, exp_type="NRS_MSASPEC"), mask_science_regions=True)


# --- what cannot be done ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("described", "reason"),
    [({"instrument": "NIRCAM"}, "a full frame of NIRSpec"), ({"subarray": "ALLSLITS"}, "a full frame of NIRSpec")],
)
def test_other_exposures_are_skipped_without_asking_for_references(rng, described, reason):
    exposure = ramp(rng, **described)
    assert PictureFrameStep().wanted_references(exposure.meta) == ()
    PictureFrameStep().check(exposure.meta, references())
    with pytest.raises(Skip, match=reason):
        apply(exposure)


def test_one_group_is_too_few(rng):
    with pytest.raises(Skip, match="found 1 group"):
        apply(ramp(rng, groups=1))


def test_without_background_it_is_an_error_that_skips(rng):
    exposure = ramp(rng, wcs=behind_slits({1: ((0, 40), (7, 33))}))
    with pytest.raises(Skip, match="no background in the middle") as raised:
        apply(exposure, mask_science_regions=True)
    assert raised.value.level == logging.ERROR


def test_noise_and_gain_are_for_ramps(rng):
    meta = ramp(rng).meta
    assert PictureFrameStep().wanted_references(meta) == ("pictureframe", "readnoise", "gain")
    meta.cal_step.ramp_fit = "COMPLETE"
    assert PictureFrameStep().wanted_references(meta) == ("pictureframe",)


@pytest.mark.parametrize(
    ("meta_of", "found"),
    [
        ({}, "no WCS and no flags of shutters"),
        ({"wcs": "flags missing"}, "no flags of shutters that failed open"),
        ({"exp_type": "NRS_IFU"}, "no WCS"),
    ],
)
def test_a_wcs_is_asked_for_before_pixels_are_read(meta_of, found, monkeypatch):
    install(monkeypatch, None)
    wcs = meta_of.pop("wcs", None)
    meta = header(**meta_of).meta
    if wcs:
        meta.wcs = behind_slits({1: ((0, 4), (0, 4))})
    with pytest.raises(ParameterError, match=f"mask_science_regions: found True, but jw1_ramp.fits has .*{found}"):
        PictureFrameStep().check(meta, references())
    install(monkeypatch, "3.0.0")
    PictureFrameStep().check(meta, references())
    install(monkeypatch, None)
    PictureFrameStep(mask_science_regions=False).check(meta, references())


def test_exposures_without_apertures_need_no_wcs():
    PictureFrameStep().check(header(exp_type="NRS_DARK").meta, references())


def test_parameters_are_those_of_jwst():
    step = pytest.importorskip("jwst.picture_frame").PictureFrameStep()
    theirs = {name: getattr(step, name) for name in ("mask_science_regions", "n_sigma", "save_mask", "save_correction")}
    assert SimpleNamespace(**theirs) == SimpleNamespace(**{name: getattr(PictureFrameStep(), name) for name in theirs})
