"""Files that users name: regular ones only, opened once, with one rule for their paths."""

import os
import socket

import numpy as np
import pytest

from gpipe.user_files import RegularFile, expanded


def test_home_and_variables_are_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("DATA", "/data")
    assert expanded("~/x.fits") == "/home/somebody/x.fits"
    assert expanded("$DATA/$NONE/x.fits") == "/data/$NONE/x.fits"


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_socket])
def test_only_regular_files_are_opened_and_nothing_is_waited_for(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make("x.fits")
    with pytest.raises(OSError, match=r"expected a regular file|No such device"):
        RegularFile("x.fits")


def test_devices_are_refused():
    with pytest.raises(OSError, match="found a device; expected a regular file"):
        RegularFile("/dev/zero")


def test_readers_have_places_of_their_own(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    file = RegularFile(path)
    one, other = file.reader(), file.reader()
    assert (one.read(3), other.read(2), one.read(3)) == (b"012", b"01", b"345")
    assert (one.seek(-2, os.SEEK_END), one.read(), one.read(1)) == (8, b"89", b"")
    descriptor = file.descriptor
    del file
    assert other.read(1) == b"2"
    del one, other
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_what_is_written_or_replaced_has_changed_and_what_is_deleted_has_not(tmp_path):
    path = tmp_path / "x"

    def opened():
        path.write_bytes(b"old")
        os.utime(path, ns=(1, 1))
        return RegularFile(path)

    def state(file):
        return file.was_written_to(), file.was_replaced()

    file = opened()
    path.chmod(0o600)
    assert state(file) == (False, False)
    path.write_bytes(b"new")
    assert state(file) == (True, False)
    file = opened()
    (tmp_path / "y").write_bytes(b"new")
    os.utime(tmp_path / "y", ns=(1, 1))
    (tmp_path / "y").replace(path)
    assert state(file) == (False, True)
    assert file.reader().read() == b"old"
    file = opened()
    path.unlink()
    assert state(file) == (False, False)


def test_numpy_reads_arrays_from_a_plain_reader(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(64)))
    file = RegularFile(tmp_path / "a.bin")
    (tmp_path / "a.bin").unlink()
    with file.plain_reader() as first, file.plain_reader() as second:
        first.seek(60)
        assert second.read(2) == b"\x00\x01"
        assert first.read() == bytes([60, 61, 62, 63])


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="the system does not open a descriptor once more")
def test_a_plain_reader_has_a_descriptor(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(64)))
    with RegularFile(tmp_path / "a.bin").plain_reader() as reader:
        reader.seek(2)
        np.testing.assert_array_equal(np.fromfile(reader, np.uint8, 3), [2, 3, 4])


def test_a_closed_reader_lets_the_file_go(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    file = RegularFile(path)
    reader, descriptor = file.reader(), file.descriptor
    del file
    reader.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
