"""Flags of groups that follow saturation within a given time."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.rows import row_slices

NEVER = -1
"""Value in ``last`` for no window; in ``opened`` for a window from before the exposure, or none."""


@dataclass(frozen=True)
class WindowsFlagged:
    """Flags of groups in a window, and the latest window of each pixel.

    Attributes
    ----------
    groupdq : uint8, (integration, group, row, column).
    last : int32, (row, column): the last group that the window of the pixel covers, `NEVER` for none.
    opened : int32, (row, column): the group in which this window opened, `NEVER` for one from before the exposure.
    pixels : integer, (): number of pixels that were in a window at some time of the exposure.
    """

    groupdq: Array
    last: Array
    opened: Array
    pixels: Array


@dataclass(frozen=True)
class _State:
    last: Array
    opened: Array
    saturated_groups: Array


def flag_windows(
    data: Array,
    groupdq: Array,
    last: Array,
    *,
    covers: Sequence[int],
    threshold: float | None = None,
    do_not_use: bool = False,
) -> WindowsFlagged:
    """Flag the groups of a pixel that lie within a time after it saturated.

    A window opens at the first saturated group of an integration, and where ``threshold`` is given also at a group
    above it if no window is open. It covers this group and those that follow within the time, also in later
    integrations. While exactly one group of the integration has been saturated, the window opens anew at each group.

    Groups are counted through the exposure: group ``g`` of integration ``i`` is ``i * groups + g``.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN is above no threshold.
    groupdq : uint8, (integration, group, row, column).
    last : int32, (row, column): last group that a window from before the exposure covers, `NEVER` for none.
    covers : for each group of the exposure, the last group that a window covers which opens there.
    threshold : DN.
    do_not_use : flag DO_NOT_USE beside PERSISTENCE.

    Returns
    -------
    WindowsFlagged; GROUPDQ gains flags and loses none.

    Notes
    -----
    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/persistence/description.html
    """
    xp = array_namespace(data, groupdq, last)
    if len(covers) != data.shape[0] * data.shape[1]:
        raise ValueError(f"found {len(covers)} groups, expected {data.shape[0] * data.shape[1]}")
    bits = dq.PERSISTENCE | (dq.DO_NOT_USE if do_not_use else 0)
    out, ends, starts = xp.empty_like(groupdq), xp.empty_like(last), xp.empty_like(last)
    for rows in row_slices(data):
        state = _State(last[rows, :], xp.full_like(last[rows, :], NEVER), xp.zeros_like(last[rows, :]))
        for k, end in enumerate(covers):
            i, g = divmod(k, data.shape[1])
            samples, flags = data[i, g, rows, :], groupdq[i, g, rows, :]
            state = _next(state, samples, flags, k, end, threshold, new_integration=g == 0, xp=xp)
            out[i, g, rows, :] = flags | xp.astype(state.last >= k, flags.dtype) * bits
        ends[rows, :], starts[rows, :] = state.last, state.opened
    flagged = xp.asarray(xp.count_nonzero((starts >= 0) | (last >= 0)), dtype=xp.int32, device=device(last))
    return WindowsFlagged(out, ends, starts, flagged)


def no_windows(data: Array) -> Array:
    """``last`` of pixels (row, column) of ``data`` that no window from before the exposure covers; int32."""
    xp = array_namespace(data)
    return xp.full(data.shape[-2:], NEVER, dtype=xp.int32, device=device(data))


def _next(
    state: _State,
    samples: Array,
    flags: Array,
    k: int,
    end: int,
    threshold: float | None,
    *,
    new_integration: bool,
    xp: Namespace,
) -> _State:
    """The windows at group ``k``; one that opens there covers groups up to ``end``."""
    before = xp.zeros_like(state.saturated_groups) if new_integration else state.saturated_groups
    count = before + xp.astype((flags & dq.SATURATED) != 0, xp.int32)
    opens = count == 1
    if threshold is not None:
        opens = opens | ((samples > threshold) & (state.last < k))
    return _State(xp.where(opens, end, state.last), xp.where(opens, k, state.opened), count)
