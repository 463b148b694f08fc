"""Whatever is wrong with an input is one InputError, in one line, that names it; before any pixel is read."""

import gzip

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from gpipe.datamodels import Ramp, Rate, open_exposure, read_header
from gpipe.exceptions import InputError


def refused(source, *words, name=None, **options):
    with pytest.raises(InputError) as caught:
        read_header(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(source) if name is None else name, *words):
        assert word in message, f"{word!r} is not in {message!r}"
    return message


def set_keyword(path, keyword, value):
    """Change the primary header; the ASDF extension, which repeats the keyword, goes."""
    with fits.open(path, mode="update") as hdus:
        if value is None:
            del hdus[0].header[keyword]
        else:
            hdus[0].header[keyword] = value
        if "ASDF" in hdus:
            del hdus["ASDF"]


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none_uncal.fits", "no such file")


def test_a_folder(tmp_path):
    refused(tmp_path, "directory")


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"#ASDF 1.0.0\nnonsense", b"\x1f\x8b nonsense", b"SIMPLE  =" + b" " * 2900, b"SIMPLE  = T"],
)
def test_content_that_is_neither_fits_nor_asdf(content, tmp_path):
    path = tmp_path / "x_uncal.fits"
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("kept", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_truncated_file(kept, uncal_path):
    content = uncal_path.read_bytes()
    uncal_path.write_bytes(content[: int(len(content) * kept)])
    refused(uncal_path)


def test_a_file_truncated_inside_its_pixels_says_where(uncal_path):
    with fits.open(uncal_path) as hdus:
        start = hdus["SCI"].fileinfo()["datLoc"]
    uncal_path.write_bytes(uncal_path.read_bytes()[: start + 100])
    refused(uncal_path, "truncated", "SCI")


def test_a_truncated_gzip_file(uncal_path):
    packed = uncal_path.with_suffix(".fits.gz")
    packed.write_bytes(gzip.compress(uncal_path.read_bytes())[:-2000])
    refused(packed, "gzip")


def test_something_that_is_no_exposure():
    refused(np.zeros((2, 2)), "numpy.ndarray", "expected a path", name="")
    refused(None, "NoneType", name="")


def test_a_rate_file_where_a_ramp_is_expected(tmp_path):
    shape = (16, 12)
    model = datamodels.ImageModel(np.zeros(shape, np.float32))
    model.save(str(tmp_path / "x_rate.fits"))
    refused(tmp_path / "x_rate.fits", "count-rate", "ImageModel", "2-dimensional", "expected a ramp", expects=(Ramp,))


def test_a_ramp_where_a_rate_is_expected(uncal_path):
    refused(uncal_path, "found a ramp", "expected a count-rate product", expects=(Rate,))


def test_a_header_of_a_ramp_where_a_rate_is_expected(uncal_path):
    refused(read_header(uncal_path), "expected a count-rate product", name=str(uncal_path), expects=(Rate,))


def test_a_ramp_in_flight_where_a_rate_is_expected(uncal_path, backend):
    refused(open_exposure(uncal_path, backend), "expected a count-rate", name="jw00001_uncal.fits", expects=(Rate,))


def test_a_product_of_another_kind(uncal_path):
    set_keyword(uncal_path, "DATAMODL", "GuiderRawModel")
    refused(uncal_path, "GuiderRawModel with a 4-dimensional", "expected a ramp")


def test_a_reference_file(uncal_path):
    set_keyword(uncal_path, "REFTYPE", "DARK")
    refused(uncal_path, "DARK reference file")


def test_no_science_array(uncal_path):
    with fits.open(uncal_path) as hdus:
        del hdus["SCI"]
        hdus.writeto(uncal_path, overwrite=True)
    refused(uncal_path, "SCI")


@pytest.mark.parametrize("shape", [(5, 16, 12), (16, 12)])
def test_a_science_array_with_the_wrong_number_of_axes(shape, uncal_path):
    with fits.open(uncal_path) as hdus:
        hdus["SCI"].data = np.zeros(shape, np.float32)
        hdus.writeto(uncal_path, overwrite=True)
    refused(uncal_path, f"{len(shape)}-dimensional", "Level1bModel")


@pytest.mark.parametrize(
    ("keyword", "path"),
    [
        ("INSTRUME", "instrument.name"),
        ("DETECTOR", "instrument.detector"),
        ("EXP_TYPE", "exposure.type"),
        ("READPATT", "exposure.readpatt"),
        ("NFRAMES", "exposure.nframes"),
        ("GROUPGAP", "exposure.groupgap"),
        ("TFRAME", "exposure.frame_time"),
        ("TGROUP", "exposure.group_time"),
        ("FASTAXIS", "subarray.fastaxis"),
        ("SLOWAXIS", "subarray.slowaxis"),
        ("SUBSTRT1", "subarray.xstart"),
        ("SUBSTRT2", "subarray.ystart"),
        ("SUBSIZE1", "subarray.xsize"),
        ("SUBSIZE2", "subarray.ysize"),
    ],
)
def test_missing_metadata(keyword, path, uncal_path):
    set_keyword(uncal_path, keyword, None)
    refused(uncal_path, "found nothing", f"meta.{path}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0])
@pytest.mark.parametrize("name", ["frame_time", "group_time"])
def test_times_that_are_not_positive_numbers(name, value, uncal):
    uncal.meta.exposure.instance[name] = value
    refused(uncal, f"meta.exposure.{name}", repr(value), name="jw00001_uncal.fits")


def test_a_time_written_as_nan(uncal_path):
    set_keyword(uncal_path, "TFRAME", "NaN")
    refused(uncal_path, "meta.exposure.frame_time")


def test_an_unknown_instrument(uncal):
    uncal.meta.instrument.instance["name"] = "WFC3"
    refused(uncal, "'WFC3'", "instrument.name", name="jw00001_uncal.fits")


@pytest.mark.parametrize(("name", "found"), [("nframes", 0), ("groupgap", -1), ("nframes", 1.5)])
def test_impossible_counts(name, found, uncal):
    uncal.meta.exposure.instance[name] = found
    refused(uncal, f"meta.exposure.{name}", repr(found), name="jw00001_uncal.fits")


def test_counts_that_contradict_the_array(uncal_path):
    set_keyword(uncal_path, "NGROUPS", 6)
    refused(uncal_path, "found 6", "ngroups", "expected 5")
    set_keyword(uncal_path, "NGROUPS", 5)
    set_keyword(uncal_path, "INTEND", 3)
    refused(uncal_path, "found 3", "nints", "expected 2")


def test_one_segment_of_a_long_exposure_is_fine(uncal_path):
    for keyword, value in (("NINTS", 100), ("INTSTART", 31), ("INTEND", 32)):
        set_keyword(uncal_path, keyword, value)
    assert read_header(uncal_path).shape[0] == 2


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("SUBSIZE1", 16, "xsize=16"),
        ("SUBSIZE2", 2048, "ysize=2048"),
        ("SUBSTRT1", 2040, "columns 2040-2051"),
        ("SUBSTRT2", 0, "rows 0-15"),
    ],
)
def test_a_window_that_contradicts_the_array_or_leaves_the_detector(keyword, value, said, uncal_path):
    set_keyword(uncal_path, keyword, value)
    refused(uncal_path, said, "expected")


def test_interleaved_reads_of_nirspec_have_more_rows_than_their_window():
    model = datamodels.RampModel()
    model.data = np.zeros((1, 1, 3200, 2048), np.float32)
    model.meta.instrument.instance.update(name="NIRSPEC", detector="NRS1")
    model.meta.exposure.instance.update(
        type="NRS_FIXEDSLIT", readpatt="NRSIRS2RAPID", nframes=1, groupgap=0, ngroups=1, nints=1, frame_time=14.5
    )
    model.meta.exposure.group_time = 14.5
    model.meta.subarray.instance.update(xstart=1, ystart=1, xsize=2048, ysize=2048, fastaxis=2, slowaxis=1)
    assert read_header(model).shape == (1, 1, 3200, 2048)
    model.meta.exposure.readpatt = "NRSRAPID"
    refused(model, "3200 rows", name="RampModel")


def test_other_arrays_must_fit(uncal_path):
    model = datamodels.RampModel(str(uncal_path))
    model.pixeldq = np.ones((8, 8), np.uint32)
    refused(model, "pixeldq of shape (8, 8)", "(16, 12)", name="jw00001_uncal.fits")


def test_a_rate_without_its_errors(uncal_path):
    model = datamodels.ImageModel(np.zeros((16, 12), np.float32))
    model.update(datamodels.RampModel(str(uncal_path)))
    refused(model, "no dq", "(16, 12)", name="jw00001_uncal.fits")


def test_a_damaged_asdf_extension(uncal_path):
    with fits.open(uncal_path) as hdus:
        start = hdus["ASDF"].fileinfo()["datLoc"]
    content = bytearray(uncal_path.read_bytes())
    content[start : start + 200] = b"?" * 200
    uncal_path.write_bytes(content)
    refused(uncal_path, "metadata cannot be read")
