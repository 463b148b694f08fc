"""Products are on the disk before they get their name, and the name after; unless the user does not want to wait."""

import errno
import os
import stat

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from gpipe.datamodels import write
from gpipe.datamodels.files.disk.durability import VARIABLE, sync_folder
from gpipe.exceptions import OutputError


@pytest.fixture(autouse=True)
def by_default(monkeypatch):
    monkeypatch.delenv(VARIABLE)


@pytest.fixture
def model():
    return datamodels.ImageModel(np.ones((3, 4), np.float32))


@pytest.fixture
def calls(monkeypatch):
    """The names of what is synced and renamed, in order."""
    heard, fsync, replace = [], os.fsync, os.replace

    def heard_fsync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        heard.append((f"sync {kind}", os.fstat(descriptor).st_size > 2880 if kind == "file" else None))
        fsync(descriptor)

    def heard_replace(source, target):
        heard.append(("rename", os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", heard_fsync)
    monkeypatch.setattr(os, "replace", heard_replace)
    return heard


@pytest.mark.parametrize("name", ["x_rate.fits", "x_rate.asdf"])
def test_the_file_is_synced_before_the_rename_and_the_folder_after(name, model, calls, tmp_path):
    write(model, tmp_path / name)
    assert calls == [("sync file", name.endswith("fits") or calls[0][1]), ("rename", name), ("sync folder", None)]


def test_a_switch_leaves_that_to_the_system(model, calls, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    write(model, tmp_path / "x_rate.fits")
    assert calls == [("rename", "x_rate.fits")]


def test_a_file_that_does_not_last_is_not_synced(model, calls, tmp_path):
    write(model, tmp_path / "x_rate.fits", lasting=False)
    assert calls == [("rename", "x_rate.fits")]


def test_a_disk_that_says_only_now_that_it_is_full(model, tmp_path, monkeypatch):
    (tmp_path / "x_rate.fits").write_text("older")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"x_rate\.fits: cannot be written \(No space left on device\)"):
        write(model, tmp_path / "x_rate.fits")
    assert [path.name for path in tmp_path.iterdir()] == ["x_rate.fits"]
    assert (tmp_path / "x_rate.fits").read_text() == "older"


def test_a_file_system_that_cannot_sync_is_no_error(model, tmp_path, monkeypatch):
    def not_offered(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", not_offered)
    assert write(model, tmp_path / "x_rate.fits").exists()


def test_a_folder_that_may_not_be_read_is_left_to_the_system(tmp_path, monkeypatch):
    def refused(path, flags):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    sync_folder(tmp_path)
