"""Scratch arrays: all of their bytes are taken when they are made, or one line says that there is no room."""

import errno
import os
import tempfile

import numpy as np
import pytest

from gpipe.datamodels.exposures.groups import scratch
from gpipe.datamodels.exposures.groups.scratch import scratch_array, scratch_file
from gpipe.exceptions import OutputError

NBYTES = 3_000_001
"""No multiple of anything."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def refused(number):
    def allocate(descriptor, offset, length):
        raise OSError(number, os.strerror(number))

    return allocate


def has_all_bytes(file):
    found = os.fstat(file.fileno())
    return found.st_size == NBYTES and found.st_blocks * 512 >= NBYTES


def test_the_bytes_of_a_scratch_file_are_taken_when_it_is_made():
    with scratch_file(NBYTES) as file:
        assert has_all_bytes(file)


@pytest.mark.parametrize("answer", [errno.ENOTSUP, errno.EINVAL, None], ids=["file system", "its answer", "platform"])
def test_they_are_written_where_nobody_allocates(answer, monkeypatch):
    if answer is None:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", refused(answer), raising=False)
    with scratch_file(NBYTES) as file:
        assert has_all_bytes(file)


def test_an_array_is_zero_and_takes_values(folder):
    array = scratch_array((2, 3, 4, 5), np.float32)
    assert (array.shape, array.dtype, array.any()) == ((2, 3, 4, 5), np.float32, False)
    array[1] = 7
    assert array.sum() == 7 * 60
    assert not list(folder.iterdir())


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the platform does not allocate")
def test_a_disk_without_room_is_told_before_anything_is_written_to(folder, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", refused(errno.ENOSPC))
    with pytest.raises(OutputError) as caught:
        scratch_array((2, 3, 4, 5), np.float32)
    assert str(caught.value) == (
        f"TMPDIR ({folder}): cannot hold 480 bytes of a scratch file (No space left on device); "
        "expected a folder with room for them, or a larger max_memory"
    )


def test_a_disk_that_fills_while_zeros_are_written(monkeypatch):
    monkeypatch.setattr(scratch, "_allocate", lambda file, nbytes: refused(errno.EDQUOT)(0, 0, nbytes))
    with pytest.raises(OutputError, match=r"TMPDIR \(.*\): cannot hold 480 bytes of a scratch file \(.*quota"):
        scratch_array((2, 3, 4, 5), np.float32)


def test_a_folder_that_is_gone(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "gone"))
    with pytest.raises(OutputError, match=r"TMPDIR \(.*gone\): cannot hold 480 bytes .*No such file"):
        scratch_array((2, 3, 4, 5), np.float32)
