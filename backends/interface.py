"""Interface of a backend to the controller and the data models."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class Backend(Protocol):
    """A place for arrays: host memory, or one GPU."""

    name: str

    def to_device(self, host: np.ndarray) -> Any:
        """Bring a host array of any byte order to the device, in native byte order.

        May copy: NumPy returns a native array as it is; CuPy always copies.
        """

    def from_fits(self, stored: np.ndarray, dtype: Any, *, scale: float = 1, zero: float = 0) -> Any:
        """Bring pixels as a FITS file stores them to the device: ``scale * stored + zero`` as a native ``dtype``.

        Always copies. A device decodes the common types itself: no host core converts them, and no wider type is copied
        to the device.
        """

    def to_host(self, x: Any) -> np.ndarray:
        """Bring an array of this backend to host memory. The only way out of the device.

        Never copies on NumPy; always copies on CuPy.
        """

    def synchronize(self) -> None:
        """Wait for queued work: before a time is taken and before a result leaves the process."""

    def free_bytes(self) -> int:
        """Bytes of memory that can still be allocated."""

    def plane_bytes(self, held: int) -> int:
        """Bytes that planes of references may take from one exposure to the next; ``held`` of them are taken."""

    def native(self, function: F) -> F:
        """Return the kernel of this backend for a portable function, or the function itself if it has no kernel."""

    def warm_up(self) -> None:
        """Start to prepare, on a thread, what the first step needs; returns at once."""

    def suited_to(self, *, keeps_planes: bool) -> "Backend":
        """Return this backend for one run. If host memory is limited, it keeps no planes of references there."""


def native_order(host: np.ndarray) -> np.ndarray:
    """Return the same values in the byte order of this machine; copies only if the order differs."""
    return host if host.dtype.isnative else host.astype(host.dtype.newbyteorder("="))
