"""Calibrated images: told from rates, written as jwst writes them, and their WCS is shared."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.modeling.models import Shift
from gwcs import WCS, coordinate_frames
from helpers.small_models import describe
from stdatamodels.jwst import datamodels

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Image, Ramp, Rate, open_exposure, read_header, to_model, write
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import chunks_of, cut

SHAPES = ((6, 5), (2, 6, 5))


def make_rate(shape):
    rng = np.random.default_rng(5)
    model = (datamodels.CubeModel if len(shape) == 3 else datamodels.ImageModel)()
    describe(model, (shape[0] if len(shape) == 3 else 1, 1, *shape[-2:]))
    for name in ("data", "err", "var_poisson", "var_rnoise"):
        model.instance[name] = rng.uniform(1, 2, shape).astype(np.float32)
    model.dq = rng.integers(0, 9, shape, np.uint32)
    model.meta.bunit_data = model.meta.bunit_err = "DN/s"
    return model


def a_wcs():
    frames = [coordinate_frames.Frame2D(name=name) for name in ("detector", "world")]
    return WCS([(frames[0], Shift(3) & Shift(4)), (frames[1], None)])


@pytest.fixture(params=SHAPES, ids=["image", "cube"])
def shape(request):
    return request.param


@pytest.fixture
def rate(shape):
    return open_exposure(make_rate(shape), NumpyBackend())


def calibrated(rate):
    area = np.ones(rate.shape[-2:], np.float32)
    image = replace(Image.of(rate), var_flat=rate.err + 1, area=area)
    image.header.instance["meta"]["wcs"] = a_wcs()
    return image


def test_an_image_has_the_arrays_of_the_rate(rate):
    assert type(rate) is Rate
    image = Image.of(rate)
    assert type(image) is Image
    assert all(getattr(image, name) is getattr(rate, name) for name in Rate.planes)
    assert image.header is rate.header
    assert Image.of(image) is image


def test_it_is_written_in_the_order_of_jwst(rate, tmp_path):
    write(to_model(calibrated(rate)), tmp_path / "a_cal.fits")
    with fits.open(tmp_path / "a_cal.fits") as hdus:
        names = [hdu.name for hdu in hdus if hdu.name != "INT_TIMES"]
    assert names == ["PRIMARY", "SCI", "ERR", "DQ", "AREA", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "ASDF"]


@pytest.mark.parametrize("form", ["fits", "asdf"])
def test_it_is_read_again(rate, form, tmp_path):
    image = calibrated(rate)
    path = write(to_model(image), tmp_path / f"a_cal.{form}")
    for expects in ((), (Rate,), (Ramp, Rate), (Image,)):
        assert read_header(path, expects=expects).kind is Image
    again = open_exposure(path, NumpyBackend())
    for name in Image.planes:
        np.testing.assert_array_equal(getattr(again, name), getattr(image, name))
    assert again.suffix == {2: "cal", 3: "calints"}[len(rate.shape)]
    assert again.meta.wcs(1, 2) == (4, 6)


@pytest.mark.parametrize("place", ["assign_wcs", "flat_field", "photom"])
@pytest.mark.parametrize("form", ["fits", "asdf", "model"])
def test_a_rate_is_one_until_a_step_of_the_second_stage_has_worked_on_it(place, form, tmp_path):
    for status, kind in ((None, Rate), ("SKIPPED", Rate), ("COMPLETE", Image)):
        model = make_rate(SHAPES[0])
        setattr(model.meta.cal_step, place, status)
        if form != "model":
            model.save(tmp_path / f"a.{form}")
        assert read_header(model if form == "model" else tmp_path / f"a.{form}").kind is kind


def test_the_wcs_is_shared_and_metadata_are_not(rate):
    image = calibrated(rate)
    model = to_model(image)
    assert model.meta.wcs is image.meta.wcs
    for other in (open_exposure(model, NumpyBackend()), open_exposure(image, NumpyBackend())):
        assert other.meta.wcs is image.meta.wcs
        other.meta.observation.date = "2031-01-01"
        assert image.meta.observation.date != "2031-01-01"


def test_rates_in_flight_that_were_ramps_get_a_header_of_their_class(uncal_path, shape):
    ramp = open_exposure(uncal_path, NumpyBackend())
    arrays = {name: np.ones(shape, plane.dtype) for name, plane in Rate.planes.items()}
    rate = Rate(ramp.header, ramp.backend, **arrays)
    image = open_exposure(read_header(rate), NumpyBackend())
    assert type(image.header) is {2: datamodels.ImageModel, 3: datamodels.CubeModel}[len(shape)]
    assert image.meta.bunit_data == "DN/s"
    image.meta.bunit_data = "MJy/sr"
    image.header.instance["meta"]["wcs"] = a_wcs()
    product = to_model(Image.of(image))
    assert (product.meta.bunit_data, product.meta.wcs) == ("MJy/sr", image.meta.wcs)


def test_images_made_of_chunks_of_rates_are_put_together(rate):
    for unchanged in ((), ("data", "dq", "err", "var_poisson", "var_rnoise")):
        assembly = Assembly(rate.shape[-2], by_rows=True, stored=rate, unchanged=unchanged)
        for chunk in chunks_of(rate.shape[-2], 4):
            image = Image.of(cut(rate, chunk))
            assembly.add(chunk, [replace(image, var_flat=image.err * 2)])
        (whole,) = assembly.whole()
        assert type(whole) is Image
        np.testing.assert_array_equal(whole.var_flat, rate.err * 2)
        np.testing.assert_array_equal(whole.dq, rate.dq)
        assert (whole.area, whole.rows) == (None, None)
