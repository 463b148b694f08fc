"""Runs that change one file do so one after the other."""

import errno
import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpipe.controller.products import file_lock
from gpipe.controller.products.file_lock import alone_with
from gpipe.exceptions import OutputError


def add_line(path, number):
    with alone_with(path):
        before = path.read_text() if path.exists() else ""
        time.sleep(0.002)
        path.write_text(f"{before}{number}\n")


def lines(path):
    return sorted(map(int, path.read_text().split()))


def test_threads_wait_for_each_other_and_nothing_stays_beside_the_file(tmp_path):
    path = tmp_path / "windows.asdf"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add_line(path, number), range(40)))
    assert lines(path) == list(range(40))
    assert [file.name for file in tmp_path.iterdir()] == ["windows.asdf"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_wait_for_each_other(tmp_path):
    path, children = tmp_path / "windows.asdf", []
    for process in range(4):
        if (child := os.fork()) == 0:
            try:
                for number in range(10):
                    add_line(path, 10 * process + number)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert lines(path) == list(range(40))


def test_the_lock_of_a_process_that_died_is_taken(tmp_path):
    (tmp_path / ".windows.asdf.lock").touch()
    with alone_with(tmp_path / "windows.asdf"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_never_free_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(file_lock, "PATIENCE", 0.01)
    path, messages = tmp_path / "windows.asdf", []

    def wait():
        with pytest.raises(OutputError) as caught, alone_with(path):
            pass
        messages.append(str(caught.value))

    with alone_with(path):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert messages == [f"{path}: found it locked by .windows.asdf.lock for 0 s, expected a free file"]


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / ".windows.asdf.lock").symlink_to(tmp_path / "other")
    with pytest.raises(OutputError, match=r"windows\.asdf: cannot be locked"), alone_with(tmp_path / "windows.asdf"):
        pass
    assert not (tmp_path / "other").exists()


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, caplog):
    def no_locks(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with alone_with(tmp_path / "windows.asdf"):
        pass
    assert "found a file system without locks" in caplog.text


def test_an_error_in_the_block_frees_the_file(tmp_path):
    with pytest.raises(ValueError, match="no"), alone_with(tmp_path / "windows.asdf"):
        raise ValueError("no")
    add_line(tmp_path / "windows.asdf", 1)
    assert [file.name for file in tmp_path.iterdir()] == ["windows.asdf"]
