import tracemalloc

import numpy as np
import pytest
from astropy.io import fits

from gpipe.datamodels import fitsfile
from gpipe.datamodels.fitsfile import FitsFile
from gpipe.exceptions import InputError


def written(path, values, **keywords):
    hdu = fits.ImageHDU(values, name="SCI")
    hdu.header.update(keywords)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return FitsFile(path, InputError)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_stored_type_is_read_as_astropy_reads_it(dtype, tmp_path):
    kind = np.dtype(dtype)
    rng = np.random.default_rng(4)
    if kind.kind == "f":
        values = rng.normal(size=(3, 5, 7)).astype(kind)
    else:
        values = rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, (3, 5, 7), dtype=kind, endpoint=True)
    file = written(tmp_path / "x.fits", values)
    out = file.read("SCI", np.float32)
    np.testing.assert_array_equal(out, values.astype(np.float32))
    assert out.dtype.isnative
    if kind.kind == "u":
        wide = file.read("SCI", np.uint32)
        assert wide.dtype == np.uint32
        np.testing.assert_array_equal(wide, values)


def test_scaled_values(tmp_path):
    file = written(tmp_path / "x.fits", np.arange(12, dtype=np.int16).reshape(3, 4), BSCALE=0.5, BZERO=100.0)
    np.testing.assert_array_equal(file.read("SCI", np.float32), 100 + 0.5 * np.arange(12).reshape(3, 4))


@pytest.mark.parametrize("block_bytes", [2, 10, 1 << 20])
def test_the_size_of_the_buffer_does_not_matter(block_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(fitsfile, "BLOCK_BYTES", block_bytes)
    values = np.arange(105, dtype=np.uint16).reshape(3, 5, 7)
    file = written(tmp_path / "x.fits", values)
    np.testing.assert_array_equal(file.read("SCI", np.float32), values)
    np.testing.assert_array_equal(
        file.read("SCI", np.float32, first=slice(1, 3), rows=slice(2, 4), columns=slice(1, 6)), values[1:3, 2:4, 1:6]
    )


def test_reading_needs_no_more_memory_than_the_result(tmp_path):
    values = np.zeros((8, 512, 512), np.uint16)
    file = written(tmp_path / "x.fits", values)
    tracemalloc.start()
    out = file.read("SCI", np.float32)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < out.nbytes + 3 * fitsfile.BLOCK_BYTES


def test_a_missing_extension_is_named_with_those_there_are(tmp_path):
    file = written(tmp_path / "x.fits", np.zeros((2, 2), np.float32))
    with pytest.raises(InputError, match=r"x\.fits: found SCI; expected an image extension DQ"):
        file.read("DQ", np.uint32)


def test_a_file_may_vanish_after_its_header_was_read(tmp_path):
    file = written(tmp_path / "x.fits", np.zeros((2, 2), np.float32))
    file.path.unlink()
    with pytest.raises(InputError, match="no such file"):
        file.read("SCI", np.float32)
