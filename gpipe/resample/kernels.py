"""Kernels of drizzle: how the light of a pixel spreads over pixels of the grid.

``square`` takes the shape of the pixel itself; all others are products of a profile along columns and one along rows.
"""

import math
from dataclasses import dataclass
from functools import cache

from array_api_compat import device

from gpipe.arrays import Array, Namespace, accumulator_dtype

NAMES = ("square", "gaussian", "point", "turbo", "lanczos2", "lanczos3")
KINDS = {"square": 0, "point": 1, "turbo": 2, "gaussian": 3, "lanczos2": 4, "lanczos3": 4}
"""Numbers of kernels in C and CUDA."""
SMALLEST_PIXFRAC = 0.001
"""A square that is no larger is a point."""
TO_SIGMA = 2.3548
"""Full width at half maximum of a Gaussian of width 1."""
LANCZOS_STEP = 0.003
DECAY_STEPS, DECAY_END = 16, 104
"""Steps of the table of exp(-t) for each unit of t, and the t from which float32 has only 0."""


@dataclass(frozen=True)
class Kernel:
    """A kernel for one fraction of a pixel and one ratio of scales.

    Attributes
    ----------
    name : one of ``NAMES``.
    half : half the side of the shrunken pixel, input pixels, of ``square``.
    radius : distance along an axis from which the profile is 0, pixels of the grid.
    scale : ``gaussian``: e of exp(-e d^2); ``lanczos``: entries of the table for a pixel of the grid.
    norm : factor of all weights.
    table : ``gaussian``: exp(-t); ``lanczos``: the profile.
    """

    name: str
    half: float = 0.0
    radius: float = 0.0
    scale: float = 0.0
    norm: float = 1.0
    table: tuple[float, ...] = (0.0,)


def kernel(name: str, pixfrac: float = 1.0, ratio: float = 1.0) -> Kernel:
    """Make a kernel.

    Parameters
    ----------
    name : one of ``NAMES``.
    pixfrac : side of the shrunken pixel, in pixels of the exposure. ``point`` and ``lanczos`` ignore it.
    ratio : scale of the grid over the scale of the exposures.

    Raises
    ------
    ValueError
        The name is unknown.
    """
    if name == "square" and pixfrac > SMALLEST_PIXFRAC:
        return Kernel(name, half=pixfrac / 2)
    if name in ("square", "point"):
        return Kernel("point", radius=0.5)
    if name == "turbo":
        return Kernel(name, radius=pixfrac / ratio / 2, norm=ratio**2 / pixfrac**2)
    if name == "gaussian":
        decay = TO_SIGMA**2 * ratio**2 / pixfrac**2 / 2
        radius = max(2.5 * pixfrac / TO_SIGMA, 1.2) / ratio
        return Kernel(name, radius=radius, scale=decay, norm=decay / math.pi, table=_decays())
    if name in ("lanczos2", "lanczos3"):
        order = int(name[-1])
        return Kernel(name, radius=order / ratio, scale=ratio / LANCZOS_STEP, table=_lanczos(order))
    raise ValueError(f"kernel: found {name!r}; expected one of {', '.join(NAMES)}")


def half_width(kernel: Kernel) -> float:
    """Return the greatest distance, along an axis, from a pixel's centre to that of a grid pixel with its light."""
    extra = {"turbo": 0.5, "gaussian": 0.5}.get(kernel.name, 0.0)
    return kernel.radius + extra


@cache
def _decays() -> tuple[float, ...]:
    return (*(math.exp(-k / DECAY_STEPS) for k in range(DECAY_STEPS * DECAY_END)), 0.0)


@cache
def _lanczos(order: int) -> tuple[float, ...]:
    """Values at whole steps; those after the last one are 0."""
    values = [1.0]
    for k in range(1, round(order / LANCZOS_STEP) + 2):
        d = k * LANCZOS_STEP
        angle = math.pi * d
        inside = order * math.sin(angle) * math.sin(angle / order) / angle**2
        values.append(inside if d < order else 0.0)
    return tuple(values)


def profile(kernel: Kernel, place: Array, pixel: Array, *, xp: Namespace) -> Array:
    """Weight of grid pixels along one axis.

    Parameters
    ----------
    kernel : any but ``square``.
    place : coordinate of a pixel in the grid; NaN has no weight.
    pixel : whole numbers, of the same type.
    """
    if kernel.name == "turbo":
        first, last = xp.maximum(place - kernel.radius, pixel - 0.5), xp.minimum(place + kernel.radius, pixel + 0.5)
        return xp.where(last > first, last - first, 0.0)
    if kernel.name == "point":
        return xp.astype(_nearest(place, xp=xp) == pixel, place.dtype)
    distance = xp.abs(place - pixel)
    if kernel.name == "gaussian":
        first, last = _nearest(place - kernel.radius, xp=xp), _nearest(place + kernel.radius, xp=xp)
        return xp.where((first <= pixel) & (pixel <= last), _decay(kernel, distance, xp=xp), 0.0)
    is_near = distance <= kernel.radius
    entry = xp.floor(xp.where(is_near, distance, 0.0) * kernel.scale + 0.5)
    return xp.where(is_near, _look_up(kernel, entry, xp=xp), 0.0)


def _nearest(x: Array, *, xp: Namespace) -> Array:
    """Round half away from zero."""
    return xp.where(x < 0, -xp.floor(0.5 - x), xp.floor(x + 0.5))


def _decay(kernel: Kernel, distance: Array, *, xp: Namespace) -> Array:
    """exp(-e d^2) by a table and five terms, which has the same bits in each library, as exp has not."""
    t = kernel.scale * (distance * distance)
    t = xp.where(t < DECAY_END, t, float(DECAY_END))
    entry = xp.floor(t * DECAY_STEPS)
    rest = entry / DECAY_STEPS - t
    series = 1.0 + rest * (1.0 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24 + rest * (1 / 120)))))
    return _look_up(kernel, entry, xp=xp) * series


def _look_up(kernel: Kernel, entry: Array, *, xp: Namespace) -> Array:
    table = xp.asarray(kernel.table, dtype=accumulator_dtype(entry, xp=xp), device=device(entry))
    index = xp.astype(xp.minimum(entry, len(kernel.table) - 1.0), xp.int64)
    return xp.reshape(xp.take(table, xp.reshape(index, (-1,))), entry.shape)
