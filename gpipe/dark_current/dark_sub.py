"""Subtraction of the dark signal, and the dark itself at the sampling of an exposure."""

from collections.abc import Sequence

from array_api_compat import array_namespace, device

from gpipe import dq
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
    """The dark of each group: the mean of its frames. NaN counts as 0.

    Parameters
    ----------
    frames : float32, (frame, row, column), DN: those of the first group, then as many of the next, and so on.

    Returns
    -------
    float32, (group + 1, row, column): the means, and 1 where a frame is not finite, else 0; see `KnownPlanes`.
    """
    xp = array_namespace(frames)
    frames = xp.reshape(frames, (groups, -1, *frames.shape[1:]))
    means = xp.empty((groups + 1, *frames[0, 0, ...].shape), dtype=frames.dtype, device=device(frames))
    for rows in row_slices(means):
        for group in range(groups):
            some = frames[group, :, rows, :]
            means[group, rows, :] = xp.sum(xp.where(xp.isnan(some), 0.0, some), axis=0) / frames.shape[1]
        means[groups, rows, :] = xp.astype(xp.any(~xp.isfinite(frames[:, :, rows, :]), axis=(0, 1)), frames.dtype)
    return means


def known_current(current: Array) -> tuple[Array, Array]:
    """A dark current, 0 where it is not finite; and UNRELIABLE_DARK there.

    Parameters
    ----------
    current : float32, (row, column), electron/s.
    """
    xp = array_namespace(current)
    known = xp.isfinite(current)
    return xp.where(known, current, 0.0), xp.astype(~known, xp.uint32) * dq.UNRELIABLE_DARK


def extrapolate_dark(last: Array, groups: Sequence[float]) -> Array:
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
