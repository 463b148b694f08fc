"""How much memory a run takes, and how it keeps within a limit."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.controller.plan.sections import Section
from gpipe.datamodels.exposures.rate import RATE_ARRAYS, RATES_OF_BOTH
from gpipe.exceptions import ParameterError

CHUNK_SAMPLES = 1 << 21
"""Samples of a chunk in the host's memory: with fewer Python takes its time between steps, more take only memory."""
FEWEST_SAMPLES = 1 << 19
"""Samples of a chunk that are worth a thread."""
CHUNKS_OF_A_THREAD = 2
"""Chunks that each thread gets at least, if they are worth it, so that none waits for long in the end."""
LEAST_ROWS = 12
"""Rows of a chunk for each row around it that is calculated twice, where chunks would be smaller than that."""
MANY_SAMPLES = 1 << 22
"""Samples of a chunk from which half as many rows do: memory then counts for more than calculating twice."""
SAMPLE = 5
"""Bytes of a sample: float32 and its flags."""
WORKSPACE = 40
"""Bytes of a sample of a chunk while a step works on it, references and the sample itself included."""
RATE, SHARED = 4 * len(RATE_ARRAYS), 4 * len(RATES_OF_BOTH)
"""Bytes of a rate, and of those that an only integration shares with the exposure."""
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}


@dataclass(frozen=True)
class Limits:
    """Bytes that the arrays of a run may take on the host and on the device; None for no limit.

    A device without a limit has that of its free memory.
    """

    host: int | None = None
    device: int | None = None

    @classmethod
    def of(cls, max_memory: "int | str | dict[str, int | str] | None") -> "Limits":
        """From a number of bytes, a text like ``"4 GB"``, or one of them for each of ``host`` and ``device``."""
        if max_memory is None:
            return cls()
        if not isinstance(max_memory, dict):
            return cls(host=_bytes(max_memory), device=_bytes(max_memory))
        if unknown := set(max_memory) - {"host", "device"}:
            raise ParameterError(f"max_memory: found {sorted(unknown)}; expected host, device or both")
        return cls(**{where: _bytes(value) for where, value in max_memory.items()})


def _bytes(value: int | str) -> int:
    found = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", str(value))
    unit = _UNITS.get(found[2].upper()) if found else None
    try:
        number = float(found[1]) * unit if found and unit else 0.0
    except ValueError:
        number = 0.0
    if not number > 0:
        raise ParameterError(f"max_memory: found {value!r}; expected a number of bytes or a text like '4 GB'")
    return int(number)


def exposure_bytes(shape: Sequence[int], extra: Sequence[Sequence[int]] = ()) -> int:
    """Bytes of a ramp (integration, group, row, column) with its flags, and of ``extra`` arrays of four bytes."""
    plane = math.prod(shape[-2:])
    return SAMPLE * math.prod(shape) + 8 * plane + 4 * sum(math.prod(more) for more in extra)


def rate_bytes(shape: Sequence[int]) -> int:
    """Bytes of the rates of an exposure and of its integrations. An only one has some arrays of the exposure's."""
    integrations, _, rows, columns = shape
    return (RATE * (1 + integrations) - (SHARED if integrations == 1 else 0)) * rows * columns


def chunk_length(
    shape: Sequence[int], section: Section, *, halo: int, budget: int | None, on_host: bool, threads: int
) -> int:
    """Rows, or integrations, of a chunk. A device gets as many as fit, a host as many as fit its cache.

    ``halo`` is how many rows around it come along. ParameterError: not even one fits the budget on each thread.
    """
    total, one = section_size(shape, section)
    wanted = min(total, _rows_on_host(total, one, halo, threads)) if on_host else total
    if budget is None:
        return wanted
    fitting = budget // (WORKSPACE * one * threads) - 2 * halo
    if fitting < 1:
        unit = "a row of all integrations" if section.by_rows else "an integration"
        steps = ", ".join(step.name for step in section.working)
        raise ParameterError(
            f"max_memory: found {format_bytes(max(budget, 0))} for chunks of the exposure; expected "
            f"{format_bytes(WORKSPACE * one * threads * (1 + 2 * halo))} or more, for {unit} in {steps}"
        )
    return min(wanted, fitting)


def _rows_on_host(total: int, one: int, halo: int, threads: int) -> int:
    """Rows, or integrations, of ``one`` samples each that are a chunk, if there is no limit."""
    share = -(-total // (CHUNKS_OF_A_THREAD * threads))
    least = min(LEAST_ROWS * halo, max(LEAST_ROWS * halo // 2, MANY_SAMPLES // one))
    return max(1, least, min(CHUNK_SAMPLES // one, max(share, FEWEST_SAMPLES // one)))


def section_size(shape: Sequence[int], section: Section) -> tuple[int, int]:
    """How many rows, or integrations, there are for a section, and the samples of one."""
    integrations, groups, rows, columns = shape
    return (rows, integrations * groups * columns) if section.by_rows else (integrations, groups * rows * columns)


def format_bytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e9:.1f} GB" if count >= 10**9 else f"{count / 1e6:.0f} MB"
