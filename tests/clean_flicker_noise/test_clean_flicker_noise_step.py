import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.jwst_stubs import NoDataOnDetectorError, Peer, install
from helpers.nirspec_wcs import behind_slits
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe import simulate
from gpipe.clean_flicker_noise import CleanFlickerNoiseStep, choice_exposure, cleaning_exposure, mask_exposure
from gpipe.clean_flicker_noise.cleaning import Method, clean_images, clean_ramp
from gpipe.clean_flicker_noise.sections import CUTOFFS, Cutoffs
from gpipe.clean_flicker_noise.stripes import fit_stripes
from gpipe.controller import References, Skip
from gpipe.datamodels import Ramp, Rate
from gpipe.exceptions import ParameterError
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import ExposureConfig, NoiseEffects, Scene

NUMPY = gpipe.backends.get("numpy")
SHAPE = (40, 48)


class Plane:
    """A reference that is one plane, whatever the exposure."""

    def __init__(self, value):
        self.value = value

    def number(self, path):
        return None

    def plane(self, array, exposure):
        return np.broadcast_to(np.float32(self.value), exposure.data.shape[-2:]).copy()


def references(**given):
    return References({"flat": None, "pastasoss": None, "readnoise": Plane(10), "gain": Plane(2)} | given)


MIRI = {"instrument": "MIRI", "exp_type": "MIR_IMAGE", "detector": "MIRIMAGE", "subarray": "FULL"}


def header(
    kind=datamodels.RampModel,
    instrument="NIRCAM",
    exp_type="NRC_IMAGE",
    detector="NRCA1",
    subarray="SUB160",
    series=False,
):
    model = kind()
    model.meta.visit.tsovisit = series
    meta = model.meta
    meta.instrument.name, meta.instrument.detector, meta.exposure.type = instrument, detector, exp_type
    meta.exposure.instance.update(frame_time=1.0, group_time=1.0, nframes=1, groupgap=0, drop_frames1=0, ngroups=4)
    meta.subarray.instance.update(
        name=subarray, xstart=1, ystart=1, xsize=SHAPE[1], ysize=SHAPE[0], fastaxis=-1, slowaxis=2
    )
    return model


def ramp(rng, integrations=2, **described):
    """Ramps on a background of 20 DN/s with a source, noise of 4 DN and stripes of 6 DN."""
    shape = (integrations, 4, *SHAPE)
    steps = rng.normal(20, 4, shape)
    steps[..., 10:14, 10:14] += 300
    data = np.cumsum(steps, axis=1) + rng.normal(0, 6, (*shape[:3], 1))
    return Ramp(
        header=header(**described),
        backend=NUMPY,
        data=data.astype(np.float32),
        groupdq=np.zeros(shape, np.uint8),
        pixeldq=np.zeros(SHAPE, np.uint32),
    )


def rate(data, kind=datamodels.CubeModel, **described):
    data = np.asarray(data, np.float32)
    err = np.ones_like(data)
    return Rate(
        header=header(kind, **described),
        backend=NUMPY,
        data=data,
        dq=np.zeros(data.shape, np.uint32),
        err=err,
        var_poisson=err,
        var_rnoise=err,
    )


def step(**given):
    return CleanFlickerNoiseStep(skip=False, **given)


def clean(exposure, refs=None, **given):
    return step(**given).apply(exposure, refs or references())


def test_of_miri_columns_flicker_and_there_are_no_channels(rng, caplog):
    exposure = ramp(rng, **MIRI)
    turned = replace(exposure, data=np.ascontiguousarray(exposure.data.swapaxes(-2, -1)[..., :40, :40]))
    turned = replace(turned, groupdq=turned.groupdq[..., :40], pixeldq=turned.pixeldq[:, :40])
    result = clean(turned, fit_by_channel=True).results[0]
    stripes = np.diff(turned.data - result.data, axis=1)
    np.testing.assert_allclose(stripes, np.broadcast_to(stripes[..., :1, :], stripes.shape), atol=1e-3)
    assert stripes.std() > 3
    assert "found MIRI, expected near infrared and FULL" in caplog.text


@pytest.mark.parametrize("kind", ["MIR_MRS", "MIR_LRS-FIXEDSLIT", "MIR_4QPM"])
def test_of_miri_images_only_are_cleaned(rng, kind):
    with pytest.raises(Skip, match=f"EXP_TYPE is {kind}; of MIRI only MIR_IMAGE"):
        clean(ramp(rng, **MIRI | {"exp_type": kind}))


def test_of_miri_flat_and_flags_tell_what_is_no_sky(rng):
    flat_dq = np.zeros(SHAPE, np.uint32)
    flat_dq[3:6] = 1 << 18
    planes = {"data": np.ones(SHAPE, np.float32), "err": np.zeros(SHAPE, np.float32), "dq": flat_dq}
    flat = SimpleNamespace(plane=lambda name, exposure: planes[name])
    exposure = ramp(rng, **MIRI)
    exposure.pixeldq[20, :] = 512
    given = {"mask_science_regions": True, "save_mask": True, "n_sigma": 0.0}
    for known, rows in ((flat, [3, 4, 5, 20]), (None, [20])):
        mask = clean(exposure, references(flat=known), **given).side_products[0].model.data
        assert np.flatnonzero((mask == 0).all(axis=1)).tolist() == rows


def test_parameters_of_jwst_have_the_defaults_of_jwst():
    assert CleanFlickerNoiseStep().get_pars(full_spec=False) == {
        "autoparam": False,
        "fit_method": "median",
        "fit_by_channel": False,
        "background_method": "median",
        "background_box_size": None,
        "mask_science_regions": False,
        "apply_flat_field": False,
        "n_sigma": 2.0,
        "fit_histogram": False,
        "single_mask": True,
        "user_mask": None,
        "save_mask": False,
        "save_background": False,
        "save_noise": False,
    }
    assert CleanFlickerNoiseStep().skip is True


def test_stripes_go_and_sources_stay(rng):
    exposure = ramp(rng)
    out = clean(exposure).results[0]
    rows = np.median(np.diff(out.data, axis=1), axis=-1)
    assert np.std(rows) < 0.25 * np.std(np.median(np.diff(exposure.data, axis=1), axis=-1))
    np.testing.assert_allclose(np.mean(np.diff(out.data, axis=1)[..., 11:13, 11:13]), 320, rtol=0.02)
    assert out.groupdq is exposure.groupdq


@pytest.mark.parametrize("slow_axis", [1, -2])
def test_the_axis_of_stripes_is_that_of_the_lines(rng, slow_axis, monkeypatch):
    exposure = ramp(rng)
    exposure.meta.subarray.slowaxis = slow_axis
    seen = []
    monkeypatch.setattr(
        cleaning_exposure, "fit_stripes", lambda image, mask, **given: seen.append(given) or np.zeros_like(image)
    )
    clean(exposure)
    assert seen[0] == {"axis": abs(slow_axis) - 1, "by_channel": False}


@pytest.mark.parametrize(("subarray", "by_channel"), [("FULL", True), ("SUB160", False)])
def test_channels_are_for_full_frames(rng, subarray, by_channel, caplog, monkeypatch):
    seen = []
    monkeypatch.setattr(
        cleaning_exposure, "fit_stripes", lambda image, mask, **given: seen.append(given) or np.zeros_like(image)
    )
    clean(ramp(rng, subarray=subarray), fit_by_channel=True)
    assert seen[0]["by_channel"] is by_channel
    assert caplog.messages == (
        []
        if by_channel
        else ["fit_by_channel: found subarray SUB160, expected near infrared and FULL; all channels together"]
    )


@pytest.mark.parametrize("none", [None, "None"])
def test_no_background(rng, none):
    exposure, mask = ramp(rng), np.ones(SHAPE, bool)
    out = clean(exposure, background_method=none, n_sigma=0.0)
    method = Method(lambda image, mask: fit_stripes(image, mask, axis=1))
    np.testing.assert_array_equal(out.results[0].data, clean_ramp(exposure.data, exposure.groupdq, mask, method).data)


def test_one_mask_or_one_for_each_integration(rng):
    exposure = ramp(rng)
    exposure.data[1, 1:, 20:30] += 500
    one = clean(exposure, save_mask=True).side_products[0].model.data
    each = clean(exposure, save_mask=True, single_mask=False).side_products[0].model.data
    assert (one.shape, each.shape) == (SHAPE, (2, *SHAPE))
    assert not each[1, 25].any()
    assert each[0, 25].any()


def test_histogram_and_n_sigma_reach_the_mask(rng, monkeypatch):
    seen = []

    def mask(rate, science, **given):
        seen.append((science, given))
        return np.ones(SHAPE, bool)

    monkeypatch.setattr(mask_exposure, "background_mask", mask)
    clean(ramp(rng), fit_histogram=True, n_sigma=3.5)
    assert seen == [(None, {"n_sigma": 3.5, "fit_histogram": True, "single": True})]


def test_model_with_boxes_that_do_not_fit(rng, caplog):
    out = clean(ramp(rng), background_method="model", background_box_size=[16, 9], save_background=True)
    background = out.side_products[0].model.data
    assert not background[:, 0].any()
    assert np.ptp(background[0, 1]) > 0
    np.testing.assert_allclose(np.median(background[:, 1:]), 20, rtol=0.1)
    assert (
        "background_box_size: found (16, 9), expected boxes that fit (40, 48) evenly, such as (20, 24)" in caplog.text
    )


def test_side_products(rng):
    exposure = ramp(rng)
    out = clean(exposure, save_mask=True, save_background=True, save_noise=True)
    by_suffix = {product.suffix: product.model for product in out.side_products}
    assert list(by_suffix) == ["mask", "flicker_bkg", "flicker_noise"]
    assert set(np.unique(by_suffix["mask"].data)) == {0, 1}
    np.testing.assert_array_equal(by_suffix["flicker_noise"].data, out.results[0].data - exposure.data)
    np.testing.assert_allclose(by_suffix["flicker_bkg"].data[:, 1:], 20, atol=8)


def test_flat(rng, caplog):
    flat = rng.uniform(0.5, 2, SHAPE).astype(np.float32)
    exposure = ramp(rng)
    lit = Ramp(**vars(exposure) | {"data": exposure.data * flat})
    refs = references(flat=Plane(flat))
    given = {"n_sigma": 0.0, "background_method": None}
    out = clean(lit, refs, apply_flat_field=True, **given)
    expected = clean(exposure, **given).results[0].data * flat
    np.testing.assert_allclose(out.results[0].data, expected, rtol=1e-4, atol=0.01)
    assert np.array_equal(clean(exposure, apply_flat_field=True).results[0].data, clean(exposure).results[0].data)
    assert "apply_flat_field: no flat reference applies" in caplog.text


@pytest.mark.parametrize("kind", ["NRC_IMAGE", "NIS_IMAGE"])
@pytest.mark.parametrize("flat", [None, 1.0])
def test_automatic_parameters(rng, caplog, monkeypatch, kind, flat):
    caplog.set_level(logging.INFO)
    exposure = ramp(rng, exp_type=kind)
    refs = references(flat=flat and Plane(flat))
    monkeypatch.setattr(
        choice_exposure, "choose", lambda *a, **numbers: {"background_method": "model", "fit_by_channel": False}
    )
    out = clean(exposure, refs, autoparam=True, background_method="median", fit_by_channel=True)
    expected = clean(exposure, background_method="model").results[0].data
    np.testing.assert_allclose(out.results[0].data, expected, atol=1e-3)
    chosen = f"background_method='model', fit_by_channel=False, apply_flat_field={flat is not None}"
    assert f"autoparam: {chosen}" in caplog.messages


def test_automatic_parameters_of_rates(rng):
    """The level is even: one median is enough."""
    images = 5 + 1e-6 * rng.normal(0, 1, (3, *SHAPE))
    for data in (images, images[0]):
        exposure = rate(data)
        np.testing.assert_array_equal(clean(exposure, autoparam=True).results[0].data, clean(exposure).results[0].data)


def test_automatic_parameters_of_other_exposures(rng, caplog):
    exposure = ramp(rng, exp_type="NRC_CORON")
    np.testing.assert_array_equal(clean(exposure, autoparam=True).results[0].data, clean(exposure).results[0].data)
    assert "autoparam: no parameters are known for EXP_TYPE NRC_CORON; those given are used" in caplog.messages


def test_user_mask(rng, tmp_path):
    mask = rng.random(SHAPE) < 0.5
    datamodels.ImageModel(data=mask.astype(np.float32)).save(tmp_path / "mask.fits")
    exposure = ramp(rng)
    given = {"user_mask": str(tmp_path / "mask.fits"), "background_method": None}
    assert not set(step(**given).wanted_references(exposure.meta)) & {"gain", "readnoise"}
    out = clean(exposure, **given, save_mask=True)
    np.testing.assert_array_equal(out.side_products[0].model.data, mask)
    method = Method(lambda image, mask: fit_stripes(image, mask, axis=1))
    np.testing.assert_array_equal(out.results[0].data, clean_ramp(exposure.data, exposure.groupdq, mask, method).data)


@pytest.mark.parametrize("shape", [(3, *SHAPE), (10, 48)])
def test_a_mask_of_another_shape(rng, tmp_path, shape):
    datamodels.ImageModel(data=np.ones(shape[-2:], np.float32)).save(tmp_path / "two.fits")
    datamodels.CubeModel(data=np.ones((3, *shape[-2:]), np.float32)).save(tmp_path / "three.fits")
    name = "three.fits" if len(shape) == 3 else "two.fits"
    with pytest.raises(Skip, match=r"found shape .*, expected \(40, 48\) or \(2, 40, 48\)"):
        clean(ramp(rng), user_mask=str(tmp_path / name))


def test_median_image(rng, caplog):
    exposure = ramp(rng, integrations=5)
    out = clean(exposure, background_method="median_image", save_background=True, save_mask=True)
    background, mask = out.side_products[1].model.data, out.side_products[0].model.data.astype(bool)
    assert mask.shape == (5, *SHAPE)
    method = Method(lambda image, mask: fit_stripes(image, mask, axis=1))
    np.testing.assert_array_equal(out.results[0].data, clean_images(exposure.data, mask, method, scene=background).data)
    np.testing.assert_allclose(background / np.median(exposure.data, axis=0), 1, atol=0.2)


def test_median_image_needs_integrations_and_light(rng, caplog):
    with pytest.raises(Skip, match="1 integration, expected 2 or more"):
        clean(ramp(rng, integrations=1), background_method="median_image")
    with pytest.raises(Skip, match="no light in any integration"):
        clean(rate(np.zeros((3, *SHAPE))), background_method="median_image")
    images = rng.normal(5, 1, (3, *SHAPE))
    images[1] = np.nan
    clean(rate(images), background_method="median_image")
    assert "1 integrations have no measurable light" in caplog.text


TIME_SERIES = [
    {"exp_type": "NRC_TSIMAGE"},
    {"exp_type": "NRC_TSGRISM"},
    {"instrument": "NIRSPEC", "detector": "NRS1", "exp_type": "NRS_BRIGHTOBJ", "subarray": "SUB2048"},
    {"instrument": "NIRISS", "detector": "NIS", "exp_type": "NIS_SOSS", "subarray": "SUBSTRIP256"},
    {**MIRI, "series": True},
]


def light_curve(model, rates):
    """A median image that is brighter in each integration, as jwst would measure it."""
    factor = np.arange(1, len(rates.data) + 1).reshape(-1, *(1,) * (model.data.ndim - 1))
    return factor * np.median(model.data, axis=0).astype(float)


@pytest.mark.parametrize("described", TIME_SERIES, ids=lambda kind: kind["exp_type"])
def test_median_images_of_time_series_are_as_bright_as_jwst_finds_them(rng, described, monkeypatch):
    peer = Peer(monkeypatch, wcs=behind_slits({1: ((0, 4), (0, 4))}), scene=light_curve)
    exposure = ramp(rng, integrations=3, **described)
    traces = SimpleNamespace(model="traces")
    out = clean(exposure, references(pastasoss=traces), background_method="median_image", save_background=True)
    scene = np.float32([1, 2, 3]).reshape(3, 1, 1, 1) * np.median(exposure.data, axis=0)
    np.testing.assert_allclose(out.side_products[0].model.data, scene, rtol=1e-6)
    soss = described["exp_type"] == "NIS_SOSS"
    assert peer.names == [*([] if soss else ["assign_wcs"]), "make_median_image"]
    assert peer.asked[-1].pastasoss == ("traces" if soss else None)
    assert (getattr(peer.asked[-1].rates.meta, "wcs", None) is None) is soss
    assert getattr(exposure.meta, "wcs", None) is None


@pytest.mark.parametrize("described", [TIME_SERIES[0], TIME_SERIES[3]], ids=lambda kind: kind["exp_type"])
def test_time_series_of_rates_under_a_flat(rng, described, monkeypatch):
    """Light is measured in what was divided by the flat; the median is that of what it is subtracted from."""
    peer = Peer(monkeypatch, wcs=behind_slits({1: ((0, 4), (0, 4))}), scene=light_curve)
    flat = rng.uniform(0.5, 2, SHAPE).astype(np.float32)
    exposure = rate(rng.normal(20, 1, (3, *SHAPE)) * flat, **described)
    given = {"background_method": "median_image", "apply_flat_field": True, "save_background": True}
    out = clean(exposure, references(flat=Plane(flat), pastasoss=SimpleNamespace(model="traces")), **given)
    np.testing.assert_allclose(peer.asked[-1].rates.data, exposure.data / flat, rtol=1e-6)
    scene = np.float32([1, 2, 3]).reshape(3, 1, 1) * np.median(exposure.data, axis=0)
    np.testing.assert_allclose(out.side_products[0].model.data, scene, rtol=1e-5)


def test_of_a_miri_series_the_flat_tells_what_cannot_be_measured(rng, monkeypatch):
    peer = Peer(monkeypatch, wcs=behind_slits({1: ((0, 4), (0, 4))}), scene=light_curve)
    planes = {"data": np.ones(SHAPE, np.float32), "err": np.zeros(SHAPE, np.float32), "dq": np.zeros(SHAPE, np.uint32)}
    planes["data"][7] = np.nan
    flat = SimpleNamespace(plane=lambda name, exposure: planes[name])
    described = {**MIRI, "series": True}
    clean(ramp(rng, **described), references(flat=flat), background_method="median_image")
    assert ((peer.asked[-1].rates.dq & 1) != 0).all(axis=(0, 2)).nonzero()[0].tolist() == [7]
    assert "flat" in step(background_method="median_image").wanted_references(header(**described).meta)


@pytest.mark.parametrize(
    ("given", "described", "peer", "match"),
    [
        ({}, TIME_SERIES[0], {"scene": ValueError("No valid flux")}, "no median image: No valid flux"),
        ({}, TIME_SERIES[3] | {"subarray": "FULL"}, {}, "not measured in subarray FULL"),
        ({}, TIME_SERIES[2], {"wcs": NoDataOnDetectorError("No open slits")}, "no WCS: No open slits"),
        ({}, TIME_SERIES[3], None, "no pastasoss reference applies"),
    ],
    ids=str,
)
def test_where_jwst_has_no_answer_the_step_is_skipped(rng, given, described, peer, match, monkeypatch):
    Peer(monkeypatch, **{"wcs": behind_slits({1: ((0, 4), (0, 4))})} | (peer or {}))
    refs = references(pastasoss=None if peer is None else SimpleNamespace(model="traces"))
    with pytest.raises(Skip, match=match):
        clean(ramp(rng, **described), refs, background_method="median_image", **given)


def test_shutters_that_failed_open_are_left_out_of_mos_exposures(rng, monkeypatch):
    opened = np.zeros(SHAPE, bool)
    opened[20, 30:40] = True
    for exp_type, flagged in (("NRS_MSASPEC", True), ("NRS_FIXEDSLIT", False)):
        peer = Peer(monkeypatch, wcs=behind_slits({1: ((-0.5, 9.5), (4.5, 8.5))}, quadrant=5), opened=opened)
        exposure = ramp(rng, **NIRSPEC | {"exp_type": exp_type})
        given = {"mask_science_regions": True, "save_mask": True, "n_sigma": 0.0, "input_dir": "given"}
        mask = clean(exposure, **given).side_products[0].model.data
        assert not mask[5:9, :10].any()
        assert mask[20, 30:40].any() != flagged
        assert {asked.folder for asked in peer.asked} == {"given"}
        assert not exposure.pixeldq.any()


def test_images_that_cannot_be_used_are_told(rng, caplog):
    exposure = ramp(rng)
    exposure.groupdq[1, 2] = 1
    out = clean(exposure).results[0]
    np.testing.assert_array_equal(out.data[1, 2], exposure.data[1, 2])
    assert caplog.messages == ["integration 2, group 3: no pixel can be used; it is left as it is"]


NIRSPEC = {"instrument": "NIRSPEC", "detector": "NRS1", "exp_type": "NRS_BRIGHTOBJ", "subarray": "SUB2048"}


@pytest.mark.parametrize(("subarray", "cutoffs"), [("SUB2048", Cutoffs()), ("ALLSLITS", CUTOFFS["ALLSLITS"])])
def test_fourier_modes_of_subarrays(rng, monkeypatch, subarray, cutoffs):
    seen = []

    def fit(image, mask, **given):
        seen.append(given)
        return np.zeros_like(image)

    monkeypatch.setattr(cleaning_exposure, "fit_sections", fit)
    clean(ramp(rng, **NIRSPEC | {"subarray": subarray}), fit_method="fft")
    assert (seen[0]["detector"], seen[0]["cutoffs"]) == ("NRS1", cutoffs)


def test_fourier_modes_of_full_frames(rng, monkeypatch):
    monkeypatch.setattr(cleaning_exposure, "DETECTOR_SIZE", 40)
    monkeypatch.setattr(cleaning_exposure, "fit_full_frame", lambda image, mask, detector: np.full_like(image, 3))
    exposure = ramp(rng, **NIRSPEC | {"subarray": "FULL"})
    exposure = Ramp(
        **vars(exposure)
        | {"data": exposure.data[..., :40], "groupdq": exposure.groupdq[..., :40], "pixeldq": exposure.pixeldq[:, :40]}
    )
    out = clean(exposure, fit_method="fft").results[0]
    np.testing.assert_allclose(
        exposure.data - out.data, np.broadcast_to(np.float32([0, 3, 6, 9])[:, None, None], (2, 4, 40, 40)), atol=1e-3
    )


def test_fourier_modes_are_for_nirspec(rng):
    with pytest.raises(Skip, match="fit_method is 'fft', expected 'median' for NRC_IMAGE"):
        clean(ramp(rng), fit_method="fft")


def test_light_of_nirspec_and_soss_is_left_out(rng, monkeypatch):
    lit = np.zeros(SHAPE, bool)
    lit[5:9] = True
    Peer(monkeypatch, wcs=behind_slits({1: ((-0.5, 47.5), (4.5, 8.5))}))
    monkeypatch.setattr("gpipe.clean_flicker_noise.soss_traces_host.trace_mask", lambda model, meta, shape: lit)
    given = {"mask_science_regions": True, "save_mask": True, "n_sigma": 0.0}
    soss = {"instrument": "NIRISS", "detector": "NIS", "exp_type": "NIS_SOSS"}
    for described in (NIRSPEC, soss):
        refs = references(pastasoss=SimpleNamespace(model=None))
        mask = clean(ramp(rng, **described), refs, **given).side_products[0].model.data
        np.testing.assert_array_equal(mask == 0, lit)
    assert clean(ramp(rng), **given).side_products[0].model.data.all()


@pytest.mark.parametrize(
    ("given", "described", "expected"),
    [
        ({}, {}, {"readnoise", "gain"}),
        ({"apply_flat_field": True}, {}, {"readnoise", "gain", "flat"}),
        ({"autoparam": True}, {}, {"readnoise", "gain", "flat"}),
        ({"autoparam": True}, {"exp_type": "NRC_GRISM"}, {"readnoise", "gain"}),
        ({"user_mask": "mask.fits"}, {}, set()),
        ({"user_mask": "None"}, {}, {"readnoise", "gain"}),
        ({"user_mask": "mask.fits", "background_method": "median_image"}, {}, {"readnoise", "gain"}),
        ({}, {"exp_type": "NIS_SOSS"}, {"readnoise", "gain", "pastasoss"}),
        ({"mask_science_regions": True}, MIRI, {"readnoise", "gain", "flat"}),
        ({"mask_science_regions": True, "user_mask": "mask.fits"}, MIRI, set()),
        ({}, MIRI, {"readnoise", "gain"}),
    ],
)
def test_references_that_are_needed(given, described, expected):
    assert set(step(**given).wanted_references(header(**described).meta)) == expected


@pytest.mark.parametrize(
    ("given", "described", "error", "match"),
    [
        (
            {"background_method": "median_image"},
            {"exp_type": "NRC_TSIMAGE"},
            ParameterError,
            r"background_method: found 'median_image' for NRC_TSIMAGE, .*not installed .*expected 'median', 'model'",
        ),
        ({"background_method": "median_image"}, {"exp_type": "NIS_SOSS"}, ParameterError, "install jwst"),
        ({"background_method": "median_image"}, {**MIRI, "series": True}, ParameterError, "'median_image' for MIR_IM"),
        ({"user_mask": "absent.fits"}, {}, ParameterError, "found no file absent.fits, expected a FITS file"),
        (
            {"mask_science_regions": True},
            {"exp_type": "NRS_IFU"},
            ParameterError,
            "no WCS and no flags .*user_mask",
        ),
        (
            {"mask_science_regions": True},
            {"exp_type": "NRS_FIXEDSLIT"},
            ParameterError,
            "no WCS, for .*install jwst",
        ),
        ({"mask_science_regions": True}, {"exp_type": "NIS_SOSS"}, ParameterError, "no pastasoss reference applies"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_beforehand(given, described, error, match, monkeypatch):
    install(monkeypatch, None)
    with pytest.raises(error, match=match):
        step(**given).check(header(**described).meta, references())


@pytest.mark.parametrize("exp_type", ["NRS_IFU", "NRS_FIXEDSLIT", "NRC_TSIMAGE", "NIS_SOSS"])
def test_with_jwst_nothing_of_it_is_refused(exp_type, monkeypatch):
    install(monkeypatch, "3.0.0")
    monkeypatch.setattr("gpipe.clean_flicker_noise.soss_traces_host.trace_mask", lambda model, meta, shape: None)
    refs = references(pastasoss=SimpleNamespace(model=None))
    step(mask_science_regions=True, background_method="median_image").check(header(exp_type=exp_type).meta, refs)


def test_a_user_mask_needs_no_wcs(tmp_path, monkeypatch):
    install(monkeypatch, None)
    datamodels.ImageModel(data=np.ones(SHAPE, np.float32)).save(tmp_path / "mask.fits")
    given = {"mask_science_regions": True, "user_mask": str(tmp_path / "mask.fits")}
    step(**given).check(header(**NIRSPEC).meta, references())


def test_noise_of_a_simulated_exposure_goes_down_and_its_rates_stay_right(tmp_path, monkeypatch):
    """Bright sources and strong 1/f noise, through the whole pipeline."""
    noise = NoiseEffects(one_over_f=2.0, cosmic_rays=0.0, amplifier_drift=0.0, odd_even_drift=0.0)
    scene = Scene(background=2.0, density=2e-3, brightest=5e3)
    config = ExposureConfig(
        detector="NRCA1", readpatt="RAPID", subarray="SUB160", ngroups=6, nints=2, noise=noise, scene=scene
    )
    exposure = simulate.write_exposure(config, tmp_path)
    cache = simulate.write_cache([config], tmp_path / "cache", full_frame=False)
    with cache.activated():
        rates = [
            Detector1Pipeline.call(exposure.path, steps={"clean_flicker_noise": {"skip": s}}, configure_log=False)
            for s in (True, False)
        ]
    known = np.isfinite(rates[0].data) & np.isfinite(rates[1].data) & (exposure.truth.rate > 0)
    dark = known & (exposure.truth.rate < np.percentile(exposure.truth.rate, 70))
    raw, cleaned = ((r.data - exposure.truth.rate)[dark] for r in rates)
    spread = [1.4826 * np.median(np.abs(x - np.median(x))) for x in (raw, cleaned)]
    assert spread[1] < 0.85 * spread[0]
    bright = known & (exposure.truth.rate > 50 * np.median(exposure.truth.rate))
    assert bright.any()
    np.testing.assert_allclose(np.median(rates[1].data[bright] / exposure.truth.rate[bright]), 1, atol=0.02)
    assert abs(np.median(cleaned) - np.median(raw)) < 0.2 * spread[1]
