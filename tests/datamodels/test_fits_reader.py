import gzip
import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels.files import fits_reader
from gpipe.datamodels.files.fits_reader import FitsFile
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
    monkeypatch.setattr(fits_reader, "BLOCK_BYTES", block_bytes)
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
    assert peak < out.nbytes + 3 * fits_reader.BLOCK_BYTES


def test_a_missing_extension_is_named_with_those_there_are(tmp_path):
    file = written(tmp_path / "x.fits", np.zeros((2, 2), np.float32))
    with pytest.raises(InputError, match=r"x\.fits: found SCI; expected an image extension DQ"):
        file.read("DQ", np.uint32)


def test_a_file_may_vanish_after_its_header_was_read(tmp_path):
    file = written(tmp_path / "x.fits", np.ones((2, 2), np.float32))
    file.path.unlink()
    np.testing.assert_array_equal(file.read("SCI", np.float32), np.ones((2, 2)))


@pytest.mark.parametrize("rows", [slice(0, 5), slice(1, 4), slice(4, 5), slice(2, 2)])
@pytest.mark.parametrize("block_bytes", [14, 100, 1 << 20])
def test_some_rows_of_all_planes(rows, block_bytes, tmp_path, monkeypatch):
    monkeypatch.setattr(fits_reader, "BLOCK_BYTES", block_bytes)
    values = np.arange(210, dtype=np.uint16).reshape(2, 3, 5, 7)
    out = written(tmp_path / "x.fits", values).read("SCI", np.float32, rows=rows)
    np.testing.assert_array_equal(out, values[:, :, rows])


def test_threads_read_different_rows_at_once(tmp_path):
    values = np.random.default_rng(2).integers(0, 1 << 16, (3, 4, 256, 300), dtype=np.uint16)
    file = written(tmp_path / "x.fits", values)
    blocks = [slice(top, top + 16) for top in range(0, 256, 16)] * 4
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda rows: file.read("SCI", np.float32, rows=rows), blocks))
    for rows, out in zip(blocks, read, strict=True):
        np.testing.assert_array_equal(out, values[:, :, rows])


def test_a_system_call_for_a_run_of_rows_and_none_for_a_row(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setenv("GPIPE_NATIVE", "0")  # the C version does not call Python's
    file = written(tmp_path / "x.fits", np.zeros((4, 64, 32), np.int16))
    monkeypatch.setattr(os, "preadv", lambda *args, real=os.preadv: calls.append(args) or real(*args))
    file.read("SCI", np.float32, rows=slice(8, 24))
    assert len(calls) == 4
    calls.clear()
    file.read("SCI", np.float32)
    assert len(calls) == 1


def test_the_file_is_closed_with_the_last_reference_to_it(tmp_path):
    file = written(tmp_path / "x.fits", np.zeros((2, 2), np.float32))
    file.read("SCI", np.float32)
    descriptor = file._content.descriptor
    assert os.path.sameopenfile(descriptor, descriptor)
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize("part", [{}, {"first": slice(1, 3), "rows": slice(1, 4)}, {"columns": slice(2, 5)}])
def test_a_device_gets_the_bytes_of_the_file(part, tmp_path):
    class Device(NumpyBackend):
        name = "device"

        def from_fits(self, stored, dtype, **scaling):
            given.append(stored.dtype.str)
            return super().from_fits(stored, dtype, **scaling)

    given = []
    values = np.arange(105, dtype=np.uint16).reshape(3, 5, 7)
    file = written(tmp_path / "x.fits", values)
    expected = file.read("SCI", np.float32, **part)
    for backend in (Device(), NumpyBackend()):
        loaded = file.load("SCI", np.float32, backend, **part)
        np.testing.assert_array_equal(loaded, expected)
        assert loaded.dtype == np.float32
    assert given == [">i2"]


STRIPS = [slice(0, 2), slice(60, 64), slice(63, 64)]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("columns", STRIPS, ids=str)
@pytest.mark.parametrize("block", [1, 1 << 24])
@pytest.mark.parametrize("long", [6144, 0], ids=["rows", "pieces"])
def test_a_strip_of_few_columns_is_that_of_the_whole(columns, packed, block, long, tmp_path, monkeypatch):
    monkeypatch.setattr(fits_reader, "BLOCK_BYTES", block)
    monkeypatch.setattr(fits_reader, "LONG_ROW", long)
    stored = np.arange(3 * 5 * 64, dtype=np.uint16).reshape(3, 5, 64) * 37
    for values, header in ((stored, {}), (stored.astype(np.int16), {"BSCALE": 0.5, "BZERO": 100.0})):
        path = tmp_path / f"{values.dtype}.fits"
        written(path, values, **header)
        if packed:
            path.with_suffix(".fits.gz").write_bytes(gzip.compress(path.read_bytes()))
        file = FitsFile(path.with_suffix(".fits.gz") if packed else path, InputError)
        whole = file.read("SCI", np.float32)
        for part in ({}, {"first": 1}, {"first": slice(1, 3), "rows": slice(2, 4)}, {"rows": slice(3, 3)}):
            wanted = whole[part.get("first", slice(None))][..., part.get("rows", slice(None)), columns]
            np.testing.assert_array_equal(file.read("SCI", np.float32, columns=columns, **part), wanted, strict=True)


TRUNCATED_ON_THE_WAY = """
import os, sys
import numpy as np
from gpipe.datamodels.files import fits_reader
from gpipe.datamodels.files.sources import find_source
from gpipe.exceptions import InputError

fits_reader.BLOCK_BYTES = 64
file = find_source(sys.argv[1]).file

def truncating(function):
    def instead(*args, **kwargs):
        os.truncate(sys.argv[1], 8640)
        return function(*args, **kwargs)
    return instead if function is fits_reader.decode else function

try:
    file.read("SCI", np.float32, columns=slice(0, 1), native=truncating)
except InputError as error:
    print(error)
"""


def test_an_exposure_that_is_truncated_while_it_is_read_does_not_end_the_process(tmp_path):
    """A map of it would, with SIGBUS."""
    path = tmp_path / "x.fits"
    written(path, np.zeros((4096, 64), np.float32))
    done = subprocess.run([sys.executable, "-c", TRUNCATED_ON_THE_WAY, path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: truncated or damaged within the pixels; expected a whole FITS file\n"


def test_types_and_columns_are_known_without_reading(tmp_path):
    table = np.zeros(3, [("Group_Skip", "i2"), ("NAME", "S4")])
    images = [fits.ImageHDU(np.zeros((2, 2), kind), name=kind.upper()) for kind in ("u4", "i8", "f4")]
    images.append(fits.ImageHDU(np.zeros((2, 2), "i2"), name="SCALED"))
    images[-1].header["BSCALE"] = 0.5
    fits.HDUList([fits.PrimaryHDU(), *images, fits.BinTableHDU(table, name="T")]).writeto(tmp_path / "x.fits")
    file = FitsFile(tmp_path / "x.fits", InputError)
    assert [file.dtype(name).kind for name in ("U4", "I8", "F4", "SCALED")] == ["i", "i", "f", "f"]
    rows, columns = file.columns("T")
    assert (rows, {name: kind.kind for name, kind in columns.items()}) == (3, {"group_skip": "i", "name": "S"})


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "x.fits")
    with pytest.raises(InputError, match=r"x\.fits: cannot be read as FITS \(found a FIFO; expected a regular file\)"):
        FitsFile(tmp_path / "x.fits", InputError)


def test_a_file_that_was_truncated_since_it_was_opened(tmp_path):
    path = tmp_path / "x.fits"
    file = written(path, np.zeros((64, 64), np.float32))
    os.truncate(path, 10000)
    for columns in (slice(0, 1), slice(0, 64)):
        with pytest.raises(InputError, match="truncated or damaged within the pixels"):
            file.read("SCI", np.float32, columns=columns)
