import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels.files.reading import open_exposure
from gpipe.datamodels.references import cache, plane_cache
from gpipe.datamodels.references.cache import forget_references, open_reference
from gpipe.exceptions import ReferenceFileError


class Device(NumpyBackend):
    """Stands in for a GPU: counts what comes to it, and has so much memory."""

    name = "device"

    def __init__(self, free):
        super().__init__()
        self.free, self.arrived = free, 0

    def plane_bytes(self, held):
        return (self.free + held) // 2

    def to_device(self, host):
        self.arrived += 1
        return super().to_device(host)

    def from_fits(self, stored, dtype, **scaling):
        self.arrived += 1
        assert stored.dtype.str[0] in ">|"
        return super().from_fits(stored, dtype, **scaling)


@pytest.fixture(autouse=True)
def nothing_kept():
    forget_references()
    yield
    forget_references()


@pytest.fixture
def gain_path(tmp_path):
    return saved_gain(tmp_path / "gain.fits", 1)


def saved_gain(path, value):
    image = fits.ImageHDU(np.full((2048, 2048), value, np.float32), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path, overwrite=True)
    return path


def test_a_file_is_opened_once(gain_path, monkeypatch):
    first = open_reference("gain", gain_path)
    assert open_reference("gain", gain_path) is first
    monkeypatch.chdir(gain_path.parent)
    assert open_reference("gain", "gain.fits") is first
    assert open_reference("gain", gain_path, "crds://gain.fits").name == "crds://gain.fits"
    forget_references()
    assert open_reference("gain", gain_path) is not first


def test_a_file_that_has_changed_is_opened_again(gain_path):
    before = open_reference("gain", gain_path)
    old = before.read("data")[0, 0]
    os.utime(saved_gain(gain_path, 2), ns=(0, 0))
    assert open_reference("gain", gain_path).read("data")[0, 0] == 2
    assert before.read("data")[0, 0] in (old, 2)
    gain_path.unlink()
    with pytest.raises(ReferenceFileError, match="no such file"):
        open_reference("gain", gain_path)


def test_only_so_many_are_kept(gain_path, monkeypatch):
    monkeypatch.setattr(cache, "FILES", 2)
    one, two = (open_reference("gain", gain_path, name) for name in ("one", "two"))
    assert open_reference("gain", gain_path, "one") is one
    open_reference("gain", gain_path, "three")
    assert open_reference("gain", gain_path, "one") is one
    assert open_reference("gain", gain_path, "two") is not two


def test_planes_stay_on_a_device_and_are_those_of_the_window(gain_path, uncal_path):
    device = Device(free=1 << 20)
    exposure = open_exposure(uncal_path, device)
    for _ in range(2):
        before = device.arrived
        gain = open_reference("gain", gain_path).plane("data", exposure)
        flags = open_reference("gain", gain_path).plane("dq", exposure)
        np.testing.assert_array_equal(gain, np.ones(exposure.data.shape[-2:], np.float32))
        assert flags.shape == gain.shape
    assert device.arrived == before
    assert plane_cache.held_bytes() == 2 * 4 * gain.size
    forget_references()
    assert plane_cache.held_bytes() == 0


def test_planes_take_no_more_than_their_share_of_a_device(gain_path, uncal_path):
    exposure = open_exposure(uncal_path, Device(free=1 << 20))
    plane = 4 * exposure.data[0, 0].size
    tight = Device(free=4 * plane)
    exposure = open_exposure(uncal_path, tight)
    for name in "abcdef":
        open_reference("gain", gain_path, name).plane("data", exposure)
        tight.free = 5 * plane - plane_cache.held_bytes()
        assert plane_cache.held_bytes() <= 3 * plane
    before = tight.arrived
    open_reference("gain", gain_path, "f").plane("data", exposure)
    assert tight.arrived == before
    open_reference("gain", gain_path, "a").plane("data", exposure)
    assert tight.arrived == before + 1


def test_host_memory_keeps_planes_of_references_that_a_second_exposure_uses(gain_path, uncal_path, backend):
    exposure = open_exposure(uncal_path, backend)
    open_reference("gain", gain_path).plane("data", exposure)
    assert plane_cache.held_bytes() == 0
    second = open_reference("gain", gain_path).plane("data", exposure)
    assert plane_cache.held_bytes() == second.nbytes
    assert open_reference("gain", gain_path).plane("data", exposure) is second
    os.utime(saved_gain(gain_path, 2), ns=(0, 0))
    assert open_reference("gain", gain_path).plane("data", exposure)[0, 0] == 2


def test_limited_host_memory_keeps_no_planes(gain_path, uncal_path, backend):
    for keeps_planes in (True, False):
        exposure = open_exposure(uncal_path, backend.suited_to(keeps_planes=keeps_planes))
        for _ in range(2):
            plane = open_reference("gain", gain_path).plane("data", exposure)
        assert plane_cache.held_bytes() == (plane.nbytes if keeps_planes else 0)


def test_what_is_made_of_a_reference_is_made_once(gain_path, uncal_path):
    device = Device(free=1 << 20)
    exposure, made = open_exposure(uncal_path, device), []

    def make():
        made.append(device)
        return exposure.data[0, 0]

    for _ in range(2):
        assert open_reference("gain", gain_path).cached("something", exposure, make) is not None
    assert len(made) == 1
    assert open_reference("gain", gain_path).cached("another", exposure, make) is not None
    assert len(made) == 2


def test_complex_numbers_take_twice_the_memory(gain_path, uncal_path):
    exposure = open_exposure(uncal_path, Device(free=1 << 20))
    made = open_reference("gain", gain_path).cached("spectrum", exposure, lambda: np.zeros((3, 5), np.complex64))
    assert plane_cache.held_bytes() == made.nbytes


def test_threads_that_want_one_plane_at_once_read_it_once():
    device, loads, together = Device(free=1 << 20), [], threading.Barrier(4)

    def load():
        loads.append(threading.get_ident())
        time.sleep(0.1)
        return np.ones((3, 2), np.float32)

    def ask(_):
        together.wait(timeout=20)
        return plane_cache.cached("plane", device, load)

    with ThreadPoolExecutor(4) as pool:
        planes = list(pool.map(ask, range(4)))
    assert len(loads) == 1
    assert all(plane is planes[0] for plane in planes)


def test_a_plane_that_could_not_be_read_is_read_by_the_next_who_asks():
    device = Device(free=1 << 20)
    with pytest.raises(ZeroDivisionError):
        plane_cache.cached("plane", device, lambda: 1 // 0)
    plane = np.ones((3, 2), np.float32)
    assert plane_cache.cached("plane", device, lambda: plane) is plane
