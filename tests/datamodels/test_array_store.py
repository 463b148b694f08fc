"""Arrays on the device, on the host and in scratch files."""

import errno
import gc
import io
import os
import sys
import tempfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers.strict_backend import StrictBackend
from hypothesis import given
from hypothesis import strategies as st

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels.exposures.groups.array_store import ArrayStore
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.exceptions import OutputError

BACKENDS = [NumpyBackend(), StrictBackend()]


@given(
    storage=st.sampled_from(Storage),
    backend=st.sampled_from(BACKENDS),
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple),
    dtype=st.sampled_from([np.float32, np.uint8, np.uint32]),
    data=st.data(),
)
def test_rows_that_come_back_are_those_of_the_array(storage, backend, shape, dtype, data):
    rng = np.random.default_rng(5)
    arrays = [rng.integers(0, 250, shape).astype(dtype) for _ in range(3)]
    store = ArrayStore(storage, backend)
    stored = [store.put(backend.to_device(array)) for array in arrays]
    start = data.draw(st.integers(0, shape[-2]))
    rows = slice(start, data.draw(st.integers(start, shape[-2])))
    for array, one in zip(arrays, stored, strict=True):
        np.testing.assert_array_equal(backend.to_host(one.read(backend)), array, strict=True)
        np.testing.assert_array_equal(backend.to_host(one.read(backend, rows)), array[..., rows, :], strict=True)


def test_arrays_without_rows_come_back_whole():
    line = np.arange(5, dtype=np.float32)
    np.testing.assert_array_equal(ArrayStore(Storage.DISK, NumpyBackend()).put(line).read(NumpyBackend()), line)


def test_on_the_host_nothing_is_on_the_device():
    backend = StrictBackend()
    stored = ArrayStore(Storage.HOST, backend).put(backend.to_device(np.ones((2, 2), np.float32)))
    assert type(stored.array) is np.ndarray


def test_several_threads_may_use_a_file_at_once():
    backend, interval = NumpyBackend(), sys.getswitchinterval()
    store = ArrayStore(Storage.DISK, backend)

    def there_and_back(number):
        stored = store.put(np.full((50, 40), number, np.float32))
        return all((stored.read(backend, slice(row, row + 3)) == number).all() for row in range(47))

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(there_and_back, range(64)))
    finally:
        sys.setswitchinterval(interval)


def test_a_scratch_file_has_no_name_and_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store = ArrayStore(Storage.DISK, NumpyBackend())
    image = np.ones((500, 500), np.float32)
    tracemalloc.start()
    stored = [store.put(image) for _ in range(5)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < image.nbytes // 2
    assert not list(tmp_path.iterdir())
    assert stored[4].read(NumpyBackend()).all()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not list open files")
def test_a_scratch_file_is_closed_with_the_last_array():
    before = open_scratch_files()
    stored = ArrayStore(Storage.DISK, NumpyBackend()).put(np.ones((2, 2), np.float32))
    assert open_scratch_files() == before + 1
    del stored
    assert open_scratch_files() == before


def open_scratch_files():
    gc.collect()
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    targets = [os.readlink(link) for link in links if os.path.lexists(link)]
    return sum(target.startswith(tempfile.gettempdir()) and "deleted" in target for target in targets)


class FullDisk(io.BytesIO):
    def write(self, values):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_an_error_that_names_the_folder(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FullDisk())
    with pytest.raises(OutputError, match=rf"TMPDIR \({tempfile.gettempdir()}\): cannot hold 16 bytes .*No space left"):
        ArrayStore(Storage.DISK, NumpyBackend()).put(np.ones((2, 2), np.float32))
