"""Persistence from a model of charge traps: what traps release is subtracted, and their state is followed."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.rows import row_slices
from gpipe.persistence.capture import TrapPixels, captured_charge, mean_step
from gpipe.persistence.families import TrapFamily


@dataclass(frozen=True)
class TrapTiming:
    """Seconds: from group to group, of the resets before the first integration, and of those before each later one."""

    group: float
    first_reset: float
    later_resets: float

    def resets_before(self, integration: int) -> float:
        """Seconds of the resets directly before an integration, counted from 0."""
        return self.later_resets if integration > 0 else self.first_reset

    def exposure(self, integrations: int, groups: int) -> float:
        """Seconds from the start of the first integration to the end of the last one."""
        return integrations * groups * self.group + (integrations - 1) * self.later_resets


@dataclass(frozen=True)
class TrapsCorrected:
    """Ramps without persistence, and filled traps.

    ``data`` float32 (integration, group, row, column), DN; ``pixeldq`` uint32 (row, column); ``filled`` float32
    (family, row, column), DN, the filled traps at the end of the exposure; ``persistence`` like ``data``, the
    subtracted signal, or None if not wanted.
    """

    data: Array
    pixeldq: Array
    filled: Array
    persistence: Array | None


def correct_traps(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    filled: Array,
    pixels: TrapPixels,
    *,
    families: Sequence[TrapFamily],
    timing: TrapTiming,
    cutoff: float | None = None,
    keep_persistence: bool = False,
) -> TrapsCorrected:
    """Subtract the charge that traps release, and follow the number of filled traps.

    Within an integration filled traps decay; at its end those that captured a charge meanwhile are added. So group
    ``g`` (from 0), which ends (g + 1) group times after the integration's start, holds

        persistence_g = sum over families of filled_k released_k((g + 1) group_time)

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN.
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    filled : float32, (family, row, column), DN, at the start of the exposure. NaN and infinity count as 0.
    pixels : traps and full wells. Where they, or ``filled``, are unknown, a pixel that is no reference pixel is flagged
        PERSISTENCE: it may hold some that is not subtracted.
    timing : seconds.
    cutoff : DN: pixels with this much persistence or more in any group are flagged PERSISTENCE; None flags none.
    keep_persistence : also return the subtracted signal.

    Notes
    -----
    Source: https://jwst-pipeline.readthedocs.io/en/stable/jwst/persistence/description.html
    """
    xp = array_namespace(data, groupdq, pixeldq, filled, pixels.density, pixels.full_well)
    out, flags, state = xp.empty_like(data), xp.empty_like(pixeldq), xp.empty_like(filled)
    kept = xp.empty_like(data) if keep_persistence else None
    for rows in row_slices(data):
        traps = _known([filled[k, rows, :] for k in range(len(families))])
        here = TrapPixels(pixels.density[rows, :], pixels.full_well[rows, :])
        most = xp.zeros_like(data[0, 0, rows, :])
        for i in range(data.shape[0]):
            traps = _decayed(traps, families, timing.later_resets) if i > 0 else traps
            step = mean_step(data[i, :, rows, :], groupdq[i, :, rows, :])
            for g in range(data.shape[1]):
                persistence = _released(traps, families, (g + 1) * timing.group)
                out[i, g, rows, :] = data[i, g, rows, :] - persistence
                most = xp.maximum(most, persistence)
                if kept is not None:
                    kept[i, g, rows, :] = persistence
            corrected = out[i, :, rows, :]
            caught = captured_charge(
                corrected, groupdq[i, :, rows, :], step, here, families, timing.group, timing.resets_before(i)
            )
            decayed = _decayed(traps, families, data.shape[1] * timing.group)
            traps = [left + new for left, new in zip(decayed, caught, strict=True)]
        for k, plane in enumerate(traps):
            state[k, rows, :] = plane
        flags[rows, :] = pixeldq[rows, :] | _flag(most, cutoff, flags, xp=xp)
    flags = flags | _unknown(filled, pixels, pixeldq, xp=xp)
    return TrapsCorrected(out, flags, state, kept)


def decayed_traps(filled: Array, families: Sequence[TrapFamily], seconds: float) -> Array:
    """The traps of ``filled`` (family, row, column) that are filled still after a time. NaN stays NaN."""
    xp = array_namespace(filled)
    return xp.stack(_decayed([filled[k, ...] for k in range(len(families))], families, seconds))


def empty_traps(families: Sequence[TrapFamily], data: Array, *, shape: tuple[int, ...] | None = None) -> Array:
    """Zeros, float32 (family, row, column), for the pixels of ``data``, or for ``shape`` (row, column)."""
    xp = array_namespace(data)
    return xp.zeros((len(families), *(shape or data.shape[-2:])), dtype=data.dtype, device=device(data))


def put_in_frame(frame: Array, part: Array, rows: slice, columns: slice) -> Array:
    """A copy of ``frame`` (family, row, column) with ``part`` in these rows and columns."""
    xp = array_namespace(frame, part)
    whole = xp.asarray(frame, copy=True, dtype=frame.dtype, device=device(frame))
    whole[:, rows, columns] = part
    return whole


def _known(planes: list[Array]) -> list[Array]:
    xp = array_namespace(*planes)
    return [xp.where(xp.isfinite(plane), plane, 0.0) for plane in planes]


def _decayed(planes: list[Array], families: Sequence[TrapFamily], seconds: float) -> list[Array]:
    return [plane * (1 - family.released(seconds)) for plane, family in zip(planes, families, strict=True)]


def _released(planes: list[Array], families: Sequence[TrapFamily], seconds: float) -> Array:
    """Compute the charge that all families release within a time."""
    weights = [family.released(seconds) for family in families]
    total = planes[0] * weights[0]
    for plane, weight in zip(planes[1:], weights[1:], strict=True):
        total = total + plane * weight
    return total


def _unknown(filled: Array, pixels: TrapPixels, pixeldq: Array, *, xp: Namespace) -> Array:
    """Return PERSISTENCE where nobody knows the traps, or how many of them are filled."""
    unknown = ~xp.all(xp.isfinite(filled), axis=0)
    if pixels.unknown is not None:
        unknown = unknown | pixels.unknown
    return xp.astype(unknown & ((pixeldq & dq.REFERENCE_PIXEL) == 0), pixeldq.dtype) * dq.PERSISTENCE


def _flag(most: Array, cutoff: float | None, like: Array, *, xp: Namespace) -> Array:
    if cutoff is None:
        return xp.zeros_like(most, dtype=like.dtype)
    return xp.astype(most >= cutoff, like.dtype) * dq.PERSISTENCE
