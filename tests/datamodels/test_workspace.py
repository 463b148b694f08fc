"""Hidden folders of files that are being written: those of killed processes go, those of others stay."""

import os
import subprocess
import sys

import pytest

from gpipe.datamodels.files.disk import workspace
from gpipe.datamodels.files.disk.workspace import PREFIX, SURELY_OVER, workspace_in

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")

_KILLED = """
import os, signal, sys
from pathlib import Path
from gpipe.datamodels.files.disk.workspace import workspace_in

with workspace_in(Path(sys.argv[1])) as folder:
    Path(folder, "x_rate.fits").write_text("half of it")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def looks_again():
    workspace._looked_at.clear()
    yield
    workspace._looked_at.clear()


@pytest.fixture
def left(tmp_path):
    """Make a folder that another process has left, or still uses, with a file in it."""

    def make(machine=None, process=None, started="0", age=0.0):
        process = os.getpid() if process is None else process
        folder = tmp_path / f"{PREFIX}{machine or workspace._machine()}-{process}-{started}-ab_3"
        folder.mkdir()
        (folder / "x_rate.fits").write_text("half of it")
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
        return folder

    return make


def ended():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def look_at(folder):
    with workspace_in(folder) as made:
        assert os.path.isdir(made)
        os.rmdir(made)


def test_the_folder_of_a_killed_process_is_removed_by_the_next_one(tmp_path):
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert [path.name[: len(PREFIX)] for path in tmp_path.iterdir()] == [PREFIX]
    look_at(tmp_path)
    assert not list(tmp_path.iterdir())


def test_folders_of_processes_that_run_stay(tmp_path):
    with workspace_in(tmp_path) as mine:
        look_at(tmp_path)
        assert os.path.isdir(mine)
    assert not list(tmp_path.iterdir())


def test_another_process_with_the_same_number_does_not_keep_a_folder(left, tmp_path):
    left(started="1")
    left(process=ended())
    look_at(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_machine_goes_when_it_is_surely_over(left, tmp_path):
    fresh = left(machine="0123456789ab", process=ended(), age=SURELY_OVER - 100)
    left(machine=workspace.UNKNOWN, age=SURELY_OVER + 100)
    left(machine="ba9876543210", age=SURELY_OVER + 100)
    look_at(tmp_path)
    assert list(tmp_path.iterdir()) == [fresh]


def test_where_the_machine_is_not_known_only_age_counts(left, tmp_path, monkeypatch):
    monkeypatch.setattr(workspace, "_machine", lambda: workspace.UNKNOWN)
    fresh = left(process=ended())
    look_at(tmp_path)
    assert list(tmp_path.iterdir()) == [fresh]


def test_folders_of_other_users_stay(left, tmp_path, monkeypatch):
    other = left(process=ended())
    monkeypatch.setattr(os, "geteuid", lambda: other.stat().st_uid + 1)
    look_at(tmp_path)
    assert list(tmp_path.iterdir()) == [other]


def test_whatever_else_has_such_a_name_stays(left, tmp_path):
    name = left(process=ended()).name
    (tmp_path / name).rename(tmp_path / "kept")
    (tmp_path / name).symlink_to("kept")
    (tmp_path / f"{name}_file").write_text("notes")
    (tmp_path / f"{PREFIX}notes").mkdir()
    before = sorted(tmp_path.iterdir())
    look_at(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "kept" / "x_rate.fits").exists()


def test_a_process_looks_once_at_a_folder(left, tmp_path):
    look_at(tmp_path)
    later = left(process=ended())
    look_at(tmp_path)
    assert list(tmp_path.iterdir()) == [later]
