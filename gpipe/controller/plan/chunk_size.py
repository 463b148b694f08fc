"""Chunk sizes: the number of rows, or integrations, that are worked on together."""

from collections.abc import Sequence
from math import prod

from gpipe.controller.plan.memory import format_both, is_ramp, workspace_of
from gpipe.controller.plan.sections import Section
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
RATE_SAMPLES = 1 << 19
"""Samples of a chunk of rates, of which there are several planes, in the host's memory."""


def chunk_length(
    shape: Sequence[int], section: Section, *, halo: int, budget: int | None, on_host: bool, threads: int
) -> int:
    """Rows, or integrations, of a chunk. A device gets as many as fit, a host as many as fit its cache.

    ``halo`` is how many rows around it come along. ParameterError: not even one fits the budget on each thread.
    """
    total, one = section_size(shape, section)
    most = CHUNK_SAMPLES if is_ramp(shape) else RATE_SAMPLES
    wanted = min(total, _rows_on_host(total, one, halo, threads, most)) if on_host else total
    if budget is None:
        return wanted
    each = workspace_of(shape) * one * threads
    fitting = budget // each - 2 * halo
    if fitting < 1:
        unit = "a row of all integrations" if section.by_rows else "an integration"
        steps = ", ".join(step.name for step in section.working)
        found, expected = format_both(max(budget, 0), each * (1 + 2 * halo))
        raise ParameterError(
            f"max_memory: found {found} for chunks of the exposure; expected {expected} or more, for {unit} in {steps}"
        )
    return min(wanted, fitting)


def _rows_on_host(total: int, one: int, halo: int, threads: int, most: int) -> int:
    """Rows, or integrations, of ``one`` samples each that are a chunk, if there is no limit."""
    share = -(-total // (CHUNKS_OF_A_THREAD * threads))
    least = min(LEAST_ROWS * halo, max(LEAST_ROWS * halo // 2, MANY_SAMPLES // one))
    return max(1, least, min(most // one, max(share, FEWEST_SAMPLES // one)))


def section_size(shape: Sequence[int], section: Section) -> tuple[int, int]:
    """Count the rows, or integrations, of an exposure for a section, and the samples of one."""
    total = shape[-2 if section.by_rows else 0]
    return total, prod(shape) // total
