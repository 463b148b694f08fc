"""The step on small exposures: what it puts into products, what it refuses, and what it shares."""

import logging
import subprocess
import sys
from copy import deepcopy

import asdf
import gwcs
import numpy as np
import pytest
from astropy.io import fits
from gwcs.converters.wcs import WCSConverter
from helpers.imaging_optics import CAMERAS, FGS, MIRI, NIRCAM, make_rate, overrides, write_distortion, write_offsets
from stdatamodels.jwst import datamodels

from gpipe import datamodels as ours
from gpipe.assign_wcs import AssignWcsStep
from gpipe.assign_wcs.modes import IMAGES, WITHOUT_SKY
from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Image, open_exposure
from gpipe.exceptions import InputError, ReferenceFileError

SMALL = (1, 1, 24, 16)


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    folder = tmp_path_factory.mktemp("optics")
    return {one: write_distortion(one, folder / f"{one.instrument}.asdf") for one in CAMERAS}


@pytest.fixture
def nircam(references):
    return overrides(distortion=references[NIRCAM])


def call(source, **parameters):
    return AssignWcsStep.call(source, configure_log=False, **parameters)


@pytest.mark.parametrize("nints", [None, 3])
@pytest.mark.parametrize("camera", CAMERAS, ids=lambda one: one.instrument)
def test_the_product(camera, nints, references, tmp_path):
    rate = make_rate(camera, window=(41, 1, 24, 16), nints=nints)
    before = deepcopy(rate.meta.wcsinfo.instance)
    product = call(rate, **overrides(distortion=references[camera]), output_dir=str(tmp_path))
    assert type(product) is (datamodels.ImageModel if nints is None else datamodels.CubeModel)
    assert product.meta.cal_step.assign_wcs == "COMPLETE"
    assert product.meta.wcs.bounding_box.bounding_box(order="F") == ((-0.5, 23.5), (-0.5, 15.5))
    assert (rate.meta.wcsinfo.instance, rate.meta.cal_step.assign_wcs) == (before, None)
    assert not hasattr(rate.meta, "wcs") or rate.meta.wcs is None
    with fits.open(tmp_path / "jw00001001001_02101_00001_test_assign_wcs.fits") as hdus:
        header = hdus["SCI"].header
        assert header["S_REGION"].startswith("POLYGON ICRS  80.")
        assert (header["CTYPE2"], "CDELT1" in header, "PC1_1" in header) == ("DEC--TAN", False, False)
        assert hdus[0].header["R_DISTOR"].endswith(f"{camera.instrument}.asdf")
        assert {hdus[0].header[key] for key in ("R_FILOFF", "R_CAMERA", "R_MSA", "R_IFUSLI", "R_REGION")} == {"N/A"}
    again = open_exposure(tmp_path / "jw00001001001_02101_00001_test_assign_wcs.fits", NumpyBackend())
    assert type(again) is Image
    x, y = np.meshgrid(np.arange(24), np.arange(16))
    np.testing.assert_array_equal(again.meta.wcs(x, y), product.meta.wcs(x, y))


def test_an_open_model_stands_for_the_reference(references, nircam):
    rate, parameters = make_rate(NIRCAM, window=SMALL), overrides()
    with datamodels.DistortionModel(str(references[NIRCAM])) as model:
        product = call(rate, **parameters | {"override_distortion": model}, sip_approx=False)
    assert product.meta.ref_file.distortion.name == "override://DistortionModel"
    assert product.meta.wcs(3, 4) == call(rate, **nircam, sip_approx=False).meta.wcs(3, 4)


def test_one_wcs_is_shared_by_all_and_written_once(nircam, tmp_path, monkeypatch):
    def refuse(self, memo):
        raise AssertionError("a WCS was copied")

    monkeypatch.setattr(gwcs.WCS, "__deepcopy__", refuse, raising=False)
    product = call(make_rate(NIRCAM, window=SMALL), **nircam)
    again = call(product, **nircam, sip_approx=False)
    assert again.meta.wcs is not product.meta.wcs
    written, write = [], WCSConverter.to_yaml_tree
    monkeypatch.setattr(WCSConverter, "to_yaml_tree", lambda *args: written.append(args) or write(*args))
    ours.write(again, tmp_path / "a_cal.fits")
    assert len(written) == 1
    in_flight = open_exposure(again, NumpyBackend())
    assert ours.to_model(in_flight).meta.wcs is in_flight.meta.wcs is again.meta.wcs


def test_parameters_of_spectra_change_nothing_in_images(nircam):
    rate, others = make_rate(NIRCAM, window=SMALL), {"slit_y_low": -1.0, "slit_y_high": 1.0, "nrs_ifu_slice_wcs": True}
    plain, found = (call(rate, **nircam, **one).meta.wcsinfo.instance for one in ({}, others))
    assert found == plain


def test_a_wcs_that_was_there_is_replaced(nircam):
    first = call(make_rate(NIRCAM, window=SMALL), **nircam)
    first.meta.wcsinfo.roll_ref = 90.0
    second = call(first, **nircam)
    assert second.meta.wcs(3, 4) != first.meta.wcs(3, 4)
    assert second.meta.wcsinfo.crpix1 == first.meta.wcsinfo.crpix1


@pytest.mark.parametrize("keyword", ["ra_ref", "dec_ref", "roll_ref", "v2_ref", "v3_ref"])
def test_a_missing_pointing_is_named(keyword, nircam):
    rate = make_rate(NIRCAM, window=SMALL, **{keyword: None})
    with pytest.raises(
        InputError, match=rf"found no {keyword.upper()} \(meta.wcsinfo.{keyword}\); expected the pointing"
    ):
        call(rate, **nircam)


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_an_impossible_aberration_is_refused(scale, nircam):
    rate = make_rate(NIRCAM, window=SMALL)
    rate.meta.velocity_aberration.scale_factor = scale
    with pytest.raises(InputError, match=f"found {scale} for VA_SCALE"):
        call(rate, **nircam)


@pytest.mark.parametrize("kind", ["NRS_IMAGE", "NRS_TACQ", "NRC_WFSS", "MIR_MRS", "NIS_SOSS", "NRC_NEWTYPE"])
def test_other_modes_are_refused_by_name(kind, nircam):
    rate = make_rate(NIRCAM, window=SMALL)
    rate.meta.exposure.instance["type"] = kind
    with pytest.raises(
        InputError, match=f"found EXP_TYPE {kind}, whose WCS is not built yet; expected an image of NIRCam"
    ):
        call(rate, **nircam)


@pytest.mark.parametrize("kind", ["NRC_DARK", "NIS_LAMP", "MIR_FLATIMAGE", "FGS_SKYFLAT", "NRS_DARK"])
def test_darks_and_lamps_get_none(kind, caplog):
    rate = make_rate(NIRCAM, window=SMALL)
    rate.meta.exposure.type = kind
    with caplog.at_level(logging.WARNING, "gpipe"):
        product = call(rate, **overrides())
    assert product.meta.cal_step.assign_wcs == "SKIPPED"
    assert f"no WCS is made for EXP_TYPE {kind}" in caplog.text
    assert product.meta.instance.get("wcs") is None


def test_no_distortion_is_an_error_that_names_it():
    with pytest.raises(ReferenceFileError, match="assign_wcs: found N/A as distortion reference, expected a file"):
        call(make_rate(NIRCAM, window=SMALL), **overrides())


def test_a_reference_without_a_transform_is_named(tmp_path):
    asdf.AsdfFile({"meta": {"reftype": "distortion", "telescope": "JWST"}, "model": 3}).write_to(tmp_path / "no.asdf")
    with pytest.raises(ReferenceFileError, match=r"no.asdf: found a int as model; expected a transform of two axes"):
        call(make_rate(NIRCAM, window=SMALL), **overrides(distortion=tmp_path / "no.asdf"))


def row(column, **names):
    return {**names, "column_offset": column, "row_offset": 0.25}


@pytest.mark.parametrize(
    ("camera", "rows", "expected"),
    [
        (NIRCAM, [row(2, filter="F444W", pupil="CLEAR"), row(5, filter="F444W", pupil="MASKRND")], 2),
        (NIRCAM, [row(2, filter="F356W", pupil="CLEAR")], None),
        (MIRI, [row(3, filter="F770W"), row(4, filter="F770W")], 3),
        (FGS, [row(3, filter="F770W", pupil="CLEAR")], None),
    ],
)
def test_the_offset_of_the_filter(camera, rows, expected, references, tmp_path):
    rate, distortion = make_rate(camera, window=SMALL), references[camera]
    offsets = write_offsets(camera, tmp_path / "offsets.asdf", rows)
    plain, found = (
        call(rate, **overrides(distortion=distortion, **one), sip_approx=False).meta.wcs
        for one in ({}, {"filteroffset": offsets})
    )
    shift = (0, 0) if expected is None else (expected, 0.25)
    np.testing.assert_allclose(found(3, 4), plain(3 + shift[0], 4 + shift[1]), atol=1e-13)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(2, filter="F444W", pupil="CLEAR")] * 2, "found 2 rows for F444W CLEAR; expected one"),
        ([row(2, filter="F444W")], "found contents that cannot be used .KeyError: 'pupil'.; expected a list filters"),
        (7, "found contents that cannot be used"),
    ],
)
def test_offsets_that_cannot_be_used_are_named(rows, message, references, tmp_path):
    offsets = write_offsets(NIRCAM, tmp_path / "offsets.asdf", rows)
    with pytest.raises(ReferenceFileError, match=f"offsets.asdf: {message}"):
        call(make_rate(NIRCAM, window=SMALL), **overrides(distortion=references[NIRCAM], filteroffset=offsets))


def test_an_approximation_that_is_not_good_enough_is_taken_with_a_warning(nircam, caplog):
    with caplog.at_level(logging.WARNING, "gpipe"):
        product = call(make_rate(NIRCAM), **nircam, sip_max_pix_error=1e-9)
    assert "SIP approximation of the WCS: Failed to achieve requested SIP approximation accuracy." in caplog.messages
    assert (product.meta.wcsinfo.ctype1, product.meta.wcsinfo.cdelt1) == ("RA---TAN-SIP", None)


def test_an_approximation_that_fails_leaves_the_header(nircam, caplog, monkeypatch):
    def fail(*args):
        raise ValueError("The WCS is none of an image.\nMore.")

    monkeypatch.setattr("gpipe.assign_wcs.sip.sip_keywords", fail)
    with caplog.at_level(logging.WARNING, "gpipe"):
        product = call(make_rate(NIRCAM, window=SMALL), **nircam)
    assert "The header gets no SIP approximation of the WCS: The WCS is none of an image." in caplog.messages
    assert (product.meta.wcsinfo.ctype1, product.meta.wcsinfo.cdelt1) == ("RA---TAN", 1e-5)
    assert product.meta.cal_step.assign_wcs == "COMPLETE"


def test_a_footprint_outside_the_sky_is_left_out(nircam, caplog, monkeypatch):
    monkeypatch.setattr("gpipe.assign_wcs.footprint.corners_of", lambda wcs: np.full((4, 2), np.nan))
    with caplog.at_level(logging.WARNING, "gpipe"):
        product = call(make_rate(NIRCAM, window=SMALL), **nircam)
    assert product.meta.wcsinfo.s_region is None
    assert "S_REGION is not set" in caplog.text


def test_exposure_types_are_told_apart():
    assert not IMAGES & WITHOUT_SKY
    assert {one[:4] for one in IMAGES} == {"NRC_", "NIS_", "MIR_", "FGS_"}


def test_the_first_stage_does_not_pay_for_it():
    code = "import gpipe.assign_wcs, gpipe.pipeline, sys; gpipe.assign_wcs.AssignWcsStep()"
    shown = "print(*{name.partition('.')[0] for name in sys.modules} & {'gwcs', 'asdf', 'astropy', 'stdatamodels'})"
    ran = subprocess.run([sys.executable, "-c", f"{code}; {shown}"], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
