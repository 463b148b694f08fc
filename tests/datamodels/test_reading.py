import gzip
import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from helpers.strict_backend import StrictBackend
from stdatamodels.jwst import datamodels

from gpipe.datamodels import Ramp, Rate, crds_parameters, open_exposure, read_header, to_model, write
from gpipe.datamodels.exposures.chunks import chunk_of_rows, cut, without_halo
from gpipe.datamodels.files.fits_reader import FitsFile
from gpipe.exceptions import InputError

ARRAYS = ("data", "groupdq", "pixeldq", "zeroframe")


def flat(model):
    return model.to_flat_dict(include_arrays=False)


def as_saved(path, **arrays):
    """The ramp product that stdatamodels makes of an uncal file, with these arrays changed."""
    model = datamodels.RampModel(str(path))
    for name, values in arrays.items():
        setattr(model, name, values)
    target = path.with_name("jw00001_ramp.fits")
    model.save(str(target))
    return target


def test_an_uncal_file_becomes_a_float32_ramp_with_clean_flags(uncal, uncal_path, backend):
    ramp = open_exposure(uncal_path, backend)
    assert isinstance(ramp, Ramp)
    np.testing.assert_array_equal(ramp.data, uncal.data.astype(np.float64))
    np.testing.assert_array_equal(ramp.zeroframe, uncal.zeroframe.astype(np.float64))
    assert ramp.data.dtype == ramp.zeroframe.dtype == np.float32
    assert ramp.data.dtype.isnative
    assert (ramp.groupdq.shape, ramp.groupdq.dtype) == (uncal.data.shape, np.uint8)
    assert (ramp.pixeldq.shape, ramp.pixeldq.dtype) == (uncal.data.shape[-2:], np.uint32)
    assert not ramp.groupdq.any()
    assert not ramp.pixeldq.any()
    assert ramp.refout is None
    assert ramp.average_dark_current is None


@pytest.mark.parametrize(("said", "used"), [(True, True), (False, False), (None, False)])
@pytest.mark.parametrize("as_model", [True, False])
def test_a_zeroframe_counts_where_the_header_says_so(uncal, tmp_path, backend, said, used, as_model):
    uncal.meta.exposure.zero_frame = said
    source = tmp_path / "jw00002_uncal.fits"
    uncal.save(str(source))
    ramp = open_exposure(uncal if as_model else source, backend)
    assert (ramp.zeroframe is not None) is used


def test_metadata_are_what_stdatamodels_reads_as_a_ramp(uncal_path, backend):
    ours, theirs = open_exposure(uncal_path, backend).header, datamodels.RampModel(str(uncal_path))
    assert flat(ours) == flat(theirs)
    assert ours.meta.wcsinfo.s_region == "POLYGON ICRS 1 2 3 4"
    assert ours.meta.photometry.conversion_megajanskys == 3.5
    for table in ("group", "int_times"):
        np.testing.assert_array_equal(getattr(ours, table), getattr(theirs, table))
    assert not any(name in ours.instance for name in ARRAYS)


def test_keywords_and_images_that_the_schema_does_not_know_are_kept(uncal_path, backend, tmp_path):
    with fits.open(uncal_path, mode="update") as hdus:
        hdus[0].header["MYWORD"] = ("primary", "of my own")
        hdus["SCI"].header["MYSCI"] = 7
        hdus.append(fits.ImageHDU(np.arange(6.0, dtype=np.float32).reshape(2, 3), name="MINE"))
    write(to_model(open_exposure(uncal_path, backend)), tmp_path / "out.fits")
    with fits.open(tmp_path / "out.fits") as hdus:
        assert hdus[0].header["MYWORD"] == "primary"
        assert hdus["SCI"].header["MYSCI"] == 7
        np.testing.assert_array_equal(hdus["MINE"].data, np.arange(6.0).reshape(2, 3))


def test_a_ramp_product_keeps_its_flags_of_all_bits(uncal_path, backend):
    shape = (2, 5, 16, 12)
    rng = np.random.default_rng(3)
    pixeldq = rng.integers(0, 2**32, shape[-2:], dtype=np.uint32)
    groupdq = rng.integers(0, 256, shape, dtype=np.uint8)
    data = rng.normal(size=shape).astype(np.float32)
    average = rng.normal(size=shape[-2:]).astype(np.float32)
    path = as_saved(uncal_path, data=data, groupdq=groupdq, pixeldq=pixeldq, average_dark_current=average)
    ramp = open_exposure(path, backend)
    np.testing.assert_array_equal(ramp.data, data)
    np.testing.assert_array_equal(ramp.groupdq, groupdq)
    np.testing.assert_array_equal(ramp.pixeldq, pixeldq)
    np.testing.assert_array_equal(ramp.average_dark_current, average)


def test_gzipped_and_plain_files_give_the_same_exposure(uncal_path, backend):
    packed = uncal_path.with_name("packed_uncal.fits.gz")
    packed.write_bytes(gzip.compress(uncal_path.read_bytes()))
    ours, plain = open_exposure(packed, backend), open_exposure(uncal_path, backend)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(ours, name), getattr(plain, name))
    assert ours.meta.filename == "packed_uncal.fits.gz"
    ours.meta.filename = plain.meta.filename
    assert flat(ours.header) == flat(plain.header)


def test_an_asdf_ramp_is_read_like_its_fits_twin(uncal_path, backend, tmp_path):
    model = datamodels.RampModel(str(uncal_path))
    model.save(str(tmp_path / "ramp.asdf"))
    ours = open_exposure(tmp_path / "ramp.asdf", backend)
    np.testing.assert_array_equal(ours.data, model.data)
    assert ours.meta.filename == "ramp.asdf"
    assert ours.meta.exposure.instance == model.meta.exposure.instance
    np.testing.assert_array_equal(ours.header.int_times["int_mid_MJD_UTC"], [60000.125, 60000.125])


@pytest.mark.parametrize("ramp_class", [datamodels.Level1bModel, datamodels.RampModel])
def test_an_open_model_gives_the_same_exposure_and_stays_as_it_is(ramp_class, uncal_path, backend):
    model = ramp_class(str(uncal_path))
    before, arrays = flat(model), {name: model.instance[name].copy() for name in ARRAYS if name in model.instance}
    ours, from_file = open_exposure(model, backend), open_exposure(uncal_path, backend)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(ours, name), getattr(from_file, name))
    assert flat(ours.header) == flat(from_file.header)

    ours.meta.cal_step.jump = "COMPLETE"
    ours.header.int_times["integration_number"] = 99
    product = to_model(ours)
    product.data[...] = -1
    product.zeroframe[...] = -1
    assert flat(model) == before
    assert list(model.int_times["integration_number"]) == [1, 2]
    for name, values in arrays.items():
        np.testing.assert_array_equal(model.instance[name], values)


def test_arrays_of_an_open_model_cannot_be_written_to(uncal_path, backend):
    model = datamodels.RampModel(str(uncal_path))
    ramp = open_exposure(model, backend)
    assert np.shares_memory(ramp.data, model.data)
    with pytest.raises(ValueError, match="read-only"):
        ramp.data[0, 0, 0, 0] = 1


def test_the_file_is_not_touched(uncal_path, backend):
    before = hashlib.sha256(uncal_path.read_bytes()).hexdigest(), uncal_path.stat().st_mtime_ns
    write(to_model(open_exposure(uncal_path, backend)), uncal_path.with_name("out.fits"))
    assert (hashlib.sha256(uncal_path.read_bytes()).hexdigest(), uncal_path.stat().st_mtime_ns) == before


def test_an_exposure_in_flight_comes_back_with_metadata_of_its_own(uncal_path, backend):
    ramp = open_exposure(uncal_path, backend)
    again = open_exposure(ramp, backend)
    assert again.data is ramp.data
    again.meta.cal_step.jump = "COMPLETE"
    assert ramp.meta.cal_step.jump is None
    assert flat(again.header) != flat(ramp.header)


def test_every_array_goes_to_the_device(uncal_path, backend):
    strict = StrictBackend()
    for source in (uncal_path, open_exposure(uncal_path, backend)):
        ramp = open_exposure(source, strict)
        assert ramp.backend is strict
        for name in ARRAYS:
            assert getattr(ramp, name).device == strict.device
    np.testing.assert_array_equal(to_model(ramp).data, open_exposure(uncal_path, backend).data)


def test_the_header_is_read_once_and_no_pixel_before_they_are_asked_for(uncal_path, backend, monkeypatch):
    calls = []
    for name in ("read", "model_without_pixels"):
        original = getattr(FitsFile, name)
        monkeypatch.setattr(
            FitsFile, name, lambda self, *a, _name=name, _f=original, **k: (calls.append(_name), _f(self, *a, **k))[1]
        )
    header = read_header(uncal_path)
    assert calls == ["model_without_pixels"]
    assert (header.kind, header.shape, header.name) == (Ramp, (2, 5, 16, 12), str(uncal_path))
    header.meta.observation.observer = "changed in between"
    ramp = open_exposure(header, backend)
    assert calls == ["model_without_pixels", "read", "read"]
    assert ramp.meta.observation.observer == "changed in between"


def test_crds_selects_by_the_same_parameters_as_stdatamodels(uncal, uncal_path, backend):
    theirs = datamodels.open(uncal_path).get_crds_parameters()
    for source in (uncal_path, uncal, open_exposure(uncal_path, backend)):
        ours = crds_parameters(read_header(source))
        assert ours["meta.instrument.detector"] == "NRCALONG"
        differing = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
        assert {key for key in differing if key.startswith("meta.")} <= {"meta.model_type", "meta.date"}


def test_metadata_that_break_the_schema_are_logged_in_one_line(uncal_path, backend, caplog):
    with fits.open(uncal_path, mode="update") as hdus:
        hdus[0].header["PROGRAM"] = 12
        hdus[0].header["VISITGRP"] = False
    open_exposure(uncal_path, backend)
    assert len(caplog.records) == 2
    for record in caplog.records:
        assert str(uncal_path) in record.getMessage()
        assert "\n" not in record.getMessage()


@pytest.mark.parametrize("shape", [(16, 12), (2, 16, 12)])
def test_rates_go_through_a_file_and_a_model(shape, uncal_path, backend, tmp_path):
    header = open_exposure(uncal_path, backend).header
    rng = np.random.default_rng(5)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name in ("data", "err", "var_poisson", "var_rnoise")}
    rate = Rate(header, backend, dq=rng.integers(0, 2**32, shape, dtype=np.uint32), **arrays)
    model = to_model(rate)
    write(model, tmp_path / "rate.fits")
    for source in (model, tmp_path / "rate.fits"):
        again = open_exposure(source, backend)
        assert isinstance(again, Rate)
        for name in (*arrays, "dq"):
            np.testing.assert_array_equal(getattr(again, name), getattr(rate, name))
    product = to_model(replace(again, data=again.data * 2))
    assert type(product) is type(model)
    np.testing.assert_array_equal(product.data, rate.data * 2)
    np.testing.assert_array_equal(product.dq, rate.dq)


def test_importing_the_package_leaves_stdatamodels_alone():
    code = (
        "import sys, gpipe.datamodels; print([m for m in ('stdatamodels', 'gwcs', 'crds', 'asdf') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_errors_in_older_ramps_are_left_out(uncal_path, backend, tmp_path):
    with fits.open(uncal_path, mode="append") as hdus:
        hdus.append(fits.ImageHDU(np.ones((2, 5, 16, 12), np.float32), name="ERR"))
    write(to_model(open_exposure(uncal_path, backend)), tmp_path / "out.fits")
    with fits.open(tmp_path / "out.fits") as hdus:
        assert "ERR" not in hdus


def with_reference_output(uncal):
    uncal.refout = np.arange(2 * 5 * 16 * 3, dtype=np.uint16).reshape(2, 5, 16, 3)
    return uncal


def test_columns_of_the_reference_output_are_its_own(uncal, backend):
    whole = open_exposure(with_reference_output(uncal), backend)
    read = open_exposure(uncal, backend, rows=slice(4, 9), columns=slice(6, 8))
    chunk = chunk_of_rows(4, 9, total=16, columns=chunk_of_rows(6, 8, total=12))
    for part in (read, cut(whole, chunk), without_halo(cut(whole, chunk), chunk)):
        np.testing.assert_array_equal(part.refout, whole.refout[..., 4:9, :])
        np.testing.assert_array_equal(part.zeroframe, whole.zeroframe[..., 4:9, 6:8])


def test_a_reference_output_that_does_not_fit_the_ramps_of_an_open_model_is_left_out(uncal, caplog):
    uncal.refout = with_reference_output(uncal).refout[:, :4]
    assert read_header(uncal).left_out == ("refout",)
    assert "found refout of shape (2, 4, 16, 3), which is not that of the science array" in caplog.text


def test_the_reference_output_of_a_file_must_fit_the_ramps(uncal, tmp_path):
    uncal.refout = with_reference_output(uncal).refout[:, :4]
    uncal.save(path := tmp_path / "cut_uncal.fits")
    with pytest.raises(InputError, match=r"found refout of shape \(2, 4, 16, 3\); expected \(2, 5, 16, None\)"):
        read_header(path)


def test_bytes_of_a_ramp_are_those_of_the_planes_that_are_read(uncal):
    header = read_header(with_reference_output(uncal))
    samples, frames = 2 * 5 * 16 * 12, 16 * 12
    assert header.nbytes == 5 * samples + 4 * frames + 4 * 2 * frames + 4 * 2 * 5 * 16 * 3
    assert replace(header, left_out=("refout",)).nbytes == 5 * samples + 4 * frames + 4 * 2 * frames


def test_kinds_that_are_expected_are_named_also_where_no_exposure_is_one(uncal_path):
    class Catalogues:
        """Not an exposure."""

    with pytest.raises(InputError, match=r"found a ramp .* expected a Catalogues or a count-rate product"):
        read_header(uncal_path, expects=(Catalogues, Rate))
