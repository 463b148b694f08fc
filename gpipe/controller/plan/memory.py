"""Memory: limits that a user sets, and bytes of exposures and of rates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.backends import Backend
from gpipe.controller.plan.machine import memory_left
from gpipe.datamodels.exposures.planes import nbytes
from gpipe.datamodels.exposures.rate import RATES_OF_BOTH, Rate
from gpipe.exceptions import ParameterError

WORKSPACE = 40
"""Bytes of a sample of a chunk that limits allow for while a step works on it, the sample itself included."""
AT_WORK, FITTED = 16, 22
"""Bytes of it that kernels in C need, and where ramps are fitted. Measured, as all that follows."""
RATE_WORKSPACE, RATE_AT_WORK = 100, 70
"""The same two of a sample of rates, with all of its planes before and after the step."""
PLANES = 100
"""Bytes of a pixel of a chunk for planes of references."""
PROCESS = 95_000_000
"""Bytes of a process without arrays: Python, libraries, headers and schemas."""
AUTOMATIC_SHARE = 0.6
"""Part of the memory that is left which arrays take at most where the machine decides."""
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


@dataclass(frozen=True)
class Limits:
    """Bytes that the arrays of a run may take on the host and on the device; None for no limit.

    A device without a limit has that of its free memory.
    """

    host: int | None = None
    device: int | None = None
    is_automatic: bool = False
    """Whether the machine decides, and not a user."""

    @property
    def keeps_planes(self) -> bool:
        """True where planes of references may stay in memory between exposures."""
        return self.host is None or self.is_automatic

    @classmethod
    def of(cls, max_memory: "int | str | dict[str, int | str] | None") -> "Limits":
        """From a number of bytes, a text like ``"4 GB"``, or one of them for each of ``host`` and ``device``.

        ``"auto"`` is a share of what the machine, cgroups and limits of the process leave to the host.
        """
        if max_memory is None:
            return cls()
        if max_memory == "auto":
            return cls(host=max(1, int(AUTOMATIC_SHARE * memory_left())), is_automatic=True)
        if not isinstance(max_memory, dict):
            return cls(host=_bytes(max_memory), device=_bytes(max_memory))
        if unknown := set(max_memory) - {"host", "device"}:
            raise ParameterError(f"max_memory: found {sorted(unknown)}; expected host, device or both")
        sizes = {where: _bytes(value) for where, value in max_memory.items()}
        return cls(sizes.get("host"), sizes.get("device"))

    def budget(self, backend: Backend) -> int | None:
        """Return the bytes for the arrays of a run on the device where steps work; None for no limit."""
        if backend.name == "numpy":
            return self.host
        free = backend.free_bytes()
        return free if self.device is None else min(free, self.device)


def _bytes(value: int | str) -> int:
    found = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", str(value))
    unit = _UNITS.get(found[2].upper()) if found else None
    try:
        number = float(found[1]) * unit if found and unit else 0.0
    except ValueError:
        number = 0.0
    if not number > 0:
        raise ParameterError(f"max_memory: found {value!r}; expected a number of bytes, a text like '4 GB' or 'auto'")
    return int(number)


def is_ramp(shape: Sequence[int]) -> bool:
    """Tell whether an exposure of this shape is a ramp, and not rates."""
    return len(shape) == 4


def workspace_of(shape: Sequence[int]) -> int:
    """Bytes of a sample that limits allow for in an exposure of this shape."""
    return WORKSPACE if is_ramp(shape) else RATE_WORKSPACE


def rate_bytes(shape: Sequence[int]) -> int:
    """Bytes of the rates of an exposure and of its integrations. An only one has some arrays of the exposure's."""
    integrations, _, rows, columns = shape
    sizes = {"y": rows, "x": columns}
    each = nbytes(Rate.planes, sizes) + nbytes(Rate.planes, sizes | {"i": integrations})
    shared = {name: Rate.planes[name] for name in RATES_OF_BOTH} if integrations == 1 else {}
    return each - nbytes(shared, sizes)


def format_bytes(count: int) -> str:
    """Bytes for people."""
    units = [unit for unit in ((10**9, "GB", 1), (10**6, "MB", 0)) if count >= unit[0]]
    size, name, digits = units[0] if units else (10**3, "kB", 0)
    return f"{count / size:.{digits}f} {name}"


def format_both(found: int, expected: int) -> tuple[str, str]:
    """Two numbers of bytes for people, who must see that they are not the same."""
    texts = format_bytes(found), format_bytes(expected)
    return texts if texts[0] != texts[1] else (f"{found} bytes", f"{expected} bytes")
