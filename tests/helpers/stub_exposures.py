"""Small exposures and references for tests of steps, without files."""

from types import SimpleNamespace

import numpy as np

import gpipe.backends
from gpipe.controller import References
from gpipe.datamodels import Ramp, Rate

EXPOSURE = {
    "nframes": 1,
    "frame_divisor": None,
    "groupgap": 0,
    "readpatt": "RAPID",
    "read_times": None,
    "gain_factor": None,
    "zero_frame": None,
    "integration_start": None,
}


def header(shape, *, corner=(1, 1), instrument="NIRCAM", subarray="FULL", **exposure):
    """Metadata of an exposure of this shape; ``corner`` is (xstart, ystart)."""
    rows = 2048 if shape[-2] == 3200 else shape[-2]  # NIRSpec IRS2 readout
    place = {"xstart": corner[0], "ystart": corner[1], "xsize": shape[-1], "ysize": rows}
    meta = SimpleNamespace(
        exposure=SimpleNamespace(**EXPOSURE | exposure),
        subarray=SimpleNamespace(name=subarray, **place, fastaxis=2, slowaxis=1),
        instrument=SimpleNamespace(name=instrument),
        rscd=SimpleNamespace(),
    )
    return SimpleNamespace(meta=meta)


def ramp(data, *, groupdq=None, pixeldq=None, zeroframe=None, **meta):
    """A Ramp in host memory; flags are 0 unless given."""
    return Ramp(
        header(data.shape, **{"zero_frame": zeroframe is not None} | meta),
        gpipe.backends.get("numpy"),
        data=data,
        groupdq=np.zeros(data.shape, np.uint8) if groupdq is None else groupdq,
        pixeldq=np.zeros(data.shape[-2:], np.uint32) if pixeldq is None else pixeldq,
        zeroframe=zeroframe,
    )


def count_rate(data, **meta):
    """A Rate in host memory, with errors of a tenth of the rates."""
    err = 0.1 * data
    return Rate(
        header(data.shape, **meta),
        gpipe.backends.get("numpy"),
        data=data,
        dq=np.zeros(data.shape, np.uint32),
        err=err,
        var_poisson=err**2,
        var_rnoise=2 * err**2,
    )


class StubReference:
    """Arrays as a reference, already of the exposure's window."""

    name, reftype = "stub.fits", "stub"

    def __init__(self, *, meta=None, **arrays):
        self.meta, self._arrays = meta, arrays

    def number(self, path):
        node = self.meta
        for part in path.split("."):
            node = getattr(node, part, None)
        return node

    def has(self, array):
        return array in self._arrays

    def shape(self, array):
        return self._arrays[array].shape

    def columns(self, table):
        found = self._arrays[table]
        return len(found), {name.lower(): found.dtype[name] for name in found.dtype.names}

    def read(self, array, *, window=None, first=None):
        found = self._arrays[array] if first is None else self._arrays[array][first]
        assert window is None or found.shape[-2:] == (window.ysize, window.xsize)
        return found

    def load(self, array, exposure, *, first=None):
        found = self.read(array, first=first)
        assert found.shape[-2:] == exposure.data.shape[-2:]
        return found

    plane = load

    def cached(self, name, exposure, make):
        return make()


def references(**by_type):
    """Make the references that the controller hands to a step."""
    return References(by_type)
