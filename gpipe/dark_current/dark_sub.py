"""Subtraction of the dark signal, and the dark itself at the sampling of an exposure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array


@dataclass(frozen=True)
class DarkSubtracted:
    """Attributes: ``data`` float32 (integration, group, row, column), DN; ``pixeldq`` uint32 (row, column)."""

    data: Array
    pixeldq: Array


def subtract_dark(data: Array, pixeldq: Array, dark: Sequence[Array], dark_dq: Array) -> DarkSubtracted:
    """Subtract the dark, group by group, from every integration, and take over its flags.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN.
    pixeldq : uint32, (row, column).
    dark : float32, (row, column), DN, for each group; no NaN.
    dark_dq : uint32, (row, column).

    Returns
    -------
    New arrays. Errors are unaffected by this step.

    Notes
    -----
    out[i, g] = data[i, g] - dark[g]; pixeldq | dark_dq.
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/dark_current/description.html
    """
    xp = array_namespace(data, pixeldq, dark_dq, *dark)
    if len(dark) != data.shape[1]:
        raise ValueError(f"found a dark of {len(dark)} groups for data of {data.shape[1]}")
    subtracted = xp.empty_like(data)
    for integration in range(data.shape[0]):
        for group, plane in enumerate(dark):
            subtracted[integration, group, ...] = data[integration, group, ...] - plane
    return DarkSubtracted(subtracted, pixeldq | dark_dq)


def average_dark(frames: Iterable[Array]) -> Array:
    """Mean of dark frames, each float32 (row, column), DN, at least one. NaN counts as 0."""
    known = (_zero_for_nan(frame) for frame in frames)
    total, count = next(known), 1
    for frame in known:
        total, count = total + frame, count + 1
    return total if count == 1 else total / count


def _zero_for_nan(frame: Array) -> Array:
    xp = array_namespace(frame)
    return xp.where(xp.isnan(frame), 0.0, frame)


def extrapolate_dark(before_last: Array, last: Array, groups: int) -> Array:
    """The dark so many groups after its last one, at the rate between the last two.

    Parameters
    ----------
    before_last, last : float32, (row, column), DN. NaN in either gives NaN.
    """
    array_namespace(before_last, last)
    return last + groups * (last - before_last)


def uniform_dark_current(data: Array, value: float) -> Array:
    """The same dark current, electron/s, for each pixel (row, column) of ``data``."""
    xp = array_namespace(data)
    return xp.full(data.shape[-2:], value, dtype=data.dtype, device=device(data))


def dark_current_of(plane: Array, value: float) -> Array:
    """The dark current of each pixel, or ``value`` for all where the plane holds none: its sum is 0.

    Parameters
    ----------
    plane : float32, (row, column), electron/s.
    """
    xp = array_namespace(plane)
    return xp.where(xp.sum(plane) == 0, value, plane)
