"""GPU without a GPU: the host cannot read its arrays by accident."""

import array_api_strict
import numpy as np

from gpipe.backends.numpy import NumpyBackend


class StrictBackend:
    """Arrays of array-api-strict on a device that is not the host's memory, and the portable functions.

    Attributes
    ----------
    free : bytes of its memory that it reports as free.
    moved : bytes that came to it.
    """

    name = "strict"
    device = array_api_strict.Device("device1")

    def __init__(self, free=1 << 40):
        self.free = free
        self.moved = 0

    def to_device(self, host):
        assert host.dtype.isnative
        self.moved += host.nbytes
        return array_api_strict.asarray(np.array(host, order="C"), device=self.device)

    def to_host(self, x):
        assert x.device == self.device
        return np.array(x.to_device(array_api_strict.Device("CPU_DEVICE")))

    def from_fits(self, stored, dtype, *, scale=1, zero=0):
        return self.to_device(NumpyBackend().from_fits(stored, dtype, scale=scale, zero=zero))

    def synchronize(self):
        """Nothing is ever queued."""

    def warm_up(self):
        """Nothing to compile."""

    def free_bytes(self):
        return self.free

    def plane_bytes(self, held):
        return self.free // 2

    def native(self, function):
        return function

    def suited_to(self, *, keeps_planes):
        return self
