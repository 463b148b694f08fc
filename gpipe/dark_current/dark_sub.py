"""Subtraction of the dark signal, and the dark itself at the sampling of an exposure."""

from collections.abc import Sequence

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.planes import PlanesSubtracted, subtract_planes
from gpipe.arrays.rows import row_slices

DarkSubtracted = PlanesSubtracted


def subtract_darks(data: Array, pixeldq: Array, darks: Sequence[Array], dark_dq: Array) -> DarkSubtracted:
    """Subtract a dark, group by group, from each integration; as `subtract_planes`, with a plane for every group.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/dark_current/description.html
    """
    check_groups(data, darks)
    return subtract_planes(data, pixeldq, darks, dark_dq)


def check_groups(data: Array, darks: Sequence[Array]) -> None:
    """Check that each integration has a dark, with a plane for each group."""
    found, expected = [dark.shape[0] for dark in darks], [data.shape[1]] * data.shape[0]
    if found != expected:
        raise ValueError(f"found darks of {found} groups for data of {expected}")


def any_flags(dark_dq: Array) -> Array:
    """The flags of every integration of a dark, together: uint32, (row, column).

    Parameters
    ----------
    dark_dq : uint32, (integration, row, column), or (row, column) for all of them.
    """
    if dark_dq.ndim == 2:
        return dark_dq
    flags = dark_dq[0, ...]
    for integration in range(1, dark_dq.shape[0]):
        flags = flags | dark_dq[integration, ...]
    return flags


def average_darks(frames: Array, groups: int) -> Array:
    """The dark of each group, (group, row, column): the mean of its frames. NaN counts as 0.

    Parameters
    ----------
    frames : float32, (frame, row, column), DN: those of the first group, then as many of the next, and so on.
    """
    xp = array_namespace(frames)
    frames = xp.reshape(frames, (groups, -1, *frames.shape[1:]))
    means = xp.empty_like(frames[:, 0, ...])
    for group in range(groups):
        for rows in row_slices(means):
            some = frames[group, :, rows, :]
            means[group, rows, :] = xp.sum(xp.where(xp.isnan(some), 0.0, some), axis=0) / frames.shape[1]
    return means


def extrapolate_dark(last: Array, groups: range) -> Array:
    """The dark after its end, at the rate between its last two groups; as (group, row, column).

    Parameters
    ----------
    last : float32, (2, row, column), DN: the last two groups. NaN in either gives NaN.
    groups : which to give, counted from 1 for the first group that the dark does not have.
    """
    xp = array_namespace(last)
    end, rate = last[1, ...], last[1, ...] - last[0, ...]
    return xp.stack([end + group * rate for group in groups])


def uniform_dark_current(data: Array, value: float) -> Array:
    """The same dark current, electron/s, for each pixel (row, column) of ``data``."""
    xp = array_namespace(data)
    return xp.full(data.shape[-2:], value, dtype=data.dtype, device=device(data))
