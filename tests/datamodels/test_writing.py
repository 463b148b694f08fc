import errno
import os
import subprocess
import sys
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from gpipe.datamodels import write
from gpipe.datamodels.files.disk import fits_writer
from gpipe.exceptions import OutputError


@pytest.fixture
def model():
    image = datamodels.ImageModel(np.arange(12, dtype=np.float32).reshape(3, 4))
    image.meta.filename = "before.fits"
    return image


@pytest.mark.parametrize("ending", [".fits", ".asdf"])
def test_a_product_is_written_under_its_own_name(ending, model, tmp_path):
    path = write(model, tmp_path / f"x_rate{ending}")
    assert path == tmp_path / f"x_rate{ending}"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    with datamodels.open(path) as again:
        assert again.meta.filename == path.name
        assert isinstance(again, datamodels.ImageModel)
        np.testing.assert_array_equal(again.data, np.arange(12).reshape(3, 4))


def test_a_relative_path_is_one_of_the_working_directory(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(model, "x_rate.fits")
    assert os.listdir(tmp_path) == ["x_rate.fits"]


def test_an_existing_product_is_replaced(model, tmp_path):
    path = tmp_path / "x_rate.fits"
    path.write_bytes(b"older")
    write(model, path)
    with datamodels.open(path) as again:
        assert again.shape == (3, 4)


def test_a_product_gets_the_usual_permissions(model, tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    assert write(model, tmp_path / "x_rate.fits").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("mode", [0o640, 0o444, 0o600])
def test_a_product_has_the_permissions_of_the_one_that_it_replaces(mode, model, tmp_path):
    path = tmp_path / "x_rate.fits"
    path.write_bytes(b"older")
    path.chmod(mode)
    write(model, path)
    assert path.stat().st_mode & 0o7777 == mode
    with datamodels.open(path) as again:
        assert again.shape == (3, 4)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_a_product_has_the_owner_of_the_one_that_it_replaces(model, tmp_path):
    path = tmp_path / "x_rate.fits"
    path.write_bytes(b"older")
    os.chown(path, 54321, 54322)
    write(model, path)
    assert (path.stat().st_uid, path.stat().st_gid) == (54321, 54322)


def test_a_link_is_replaced_and_what_it_points_to_stays(model, tmp_path):
    target = tmp_path / "elsewhere.fits"
    target.write_bytes(b"precious")
    target.chmod(0o600)
    (tmp_path / "x_rate.fits").symlink_to(target)
    plain = tmp_path / "plain"
    plain.touch()
    path = write(model, tmp_path / "x_rate.fits")
    assert not path.is_symlink()
    assert path.stat().st_mode == plain.stat().st_mode
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["x_rate.fits.gz", "x_rate.json", "x_rate"])
def test_other_endings_are_refused(name, model, tmp_path):
    with pytest.raises(OutputError, match=r"expected \.fits or \.asdf"):
        write(model, tmp_path / name)
    assert not os.listdir(tmp_path)


def test_a_folder_that_is_missing_or_a_file(model, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for folder in ("none", "file"):
        with pytest.raises(OutputError) as caught:
            write(model, tmp_path / folder / "x_rate.fits")
        assert str(tmp_path / folder / "x_rate.fits") in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_folder_in_the_place_of_the_product(model, tmp_path):
    (tmp_path / "x_rate.fits").mkdir()
    with pytest.raises(OutputError, match="directory"):
        write(model, tmp_path / "x_rate.fits")
    assert os.listdir(tmp_path) == ["x_rate.fits"]


@pytest.mark.parametrize("step", ["start", "middle", "rename"])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_existing_product_and_nothing_else(step, failure, model, tmp_path, monkeypatch):
    path = tmp_path / "x_rate.fits"
    path.write_bytes(b"older")

    def fail(*args, **kwargs):
        raise failure

    if step == "start":
        monkeypatch.setattr(datamodels.ImageModel, "on_save", fail)
    elif step == "middle":
        monkeypatch.setattr(fits_writer, "_write_pixels", fail)
    else:
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError if isinstance(failure, OSError) else KeyboardInterrupt):
        write(model, path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["x_rate.fits"]
    assert path.read_bytes() == b"older"


_FULL_DISK = """
import resource, signal, sys
import numpy as np
from stdatamodels.jwst import datamodels
from gpipe.datamodels import write
from gpipe.exceptions import OutputError

model = datamodels.ImageModel(np.zeros((256, 256), np.float32))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    write(model, sys.argv[1])
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize(("limit", "ending"), [(1000, ".fits"), (100_000, ".fits"), (100_000, ".asdf")])
def test_a_disk_that_is_full_halfway(limit, ending, tmp_path):
    path = tmp_path / f"x_rate{ending}"
    path.write_bytes(b"older")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FULL_DISK, str(path), str(limit)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith(f"{path}: cannot be written")
    assert run.stdout.count("\n") == 1
    assert run.stderr == ""
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == b"older"


def test_a_value_outside_the_schema_names_its_place(model, tmp_path):
    model.meta.subarray.instance["name"] = "NONSENSE"
    with pytest.raises(OutputError, match=r"x_rate.fits: found meta.subarray.name .*NONSENSE") as caught:
        write(model, tmp_path / "x_rate.fits")
    assert "\n" not in str(caught.value)
    assert not os.listdir(tmp_path)


def test_arrays_are_as_before_in_memory(model, tmp_path):
    write(model, tmp_path / "x_rate.fits")
    assert model.data.dtype.isnative
    np.testing.assert_array_equal(model.data, np.arange(12).reshape(3, 4))


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">f4", ">u2"])
@pytest.mark.parametrize("block_bytes", [8, 1 << 20])
def test_the_bytes_are_those_that_stdatamodels_writes(dtype, block_bytes, tmp_path, monkeypatch):
    """Images of all types, a table, history, keywords and images that no schema knows, a read-only array."""
    monkeypatch.setattr(fits_writer, "BLOCK_BYTES", block_bytes)
    rng = np.random.default_rng(3)
    model = datamodels.CubeModel(rng.normal(size=(2, 5, 7)).astype(np.float32))
    model.dq = rng.integers(0, 1 << 32, (2, 5, 7), dtype=np.uint32)
    model.err = np.swapaxes(rng.normal(size=(2, 7, 5)).astype(np.float32), 1, 2)
    model.err.flags.writeable = False
    model.int_times = np.ones(2, model.get_default("int_times").dtype)
    model.meta.exposure.ngroups = 5
    other = rng.integers(0, 100, (3, 4)).astype(dtype)
    model.instance["extra_fits"] = {"OTHER": {"data": other, "header": [["KEY", "word " * 20, "a long one"]]}}
    monkeypatch.setattr(
        "stdatamodels.jwst.datamodels.model_base.Time",
        SimpleNamespace(now=lambda: SimpleNamespace(isot="2026-01-01T00:00:00.000")),
    )
    model.copy().save(tmp_path / "their_rateints.fits")
    (tmp_path / "ours").mkdir()
    write(model, tmp_path / "ours" / "their_rateints.fits")
    assert (tmp_path / "ours" / "their_rateints.fits").read_bytes() == (tmp_path / "their_rateints.fits").read_bytes()


def test_writing_needs_little_memory(tmp_path):
    model = datamodels.ImageModel(np.ones((1024, 2048), np.float32), dq=np.ones((1024, 2048), np.uint32))
    write(model, tmp_path / "first_rate.fits")
    tracemalloc.start()
    write(model, tmp_path / "x_rate.fits")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 << 20
