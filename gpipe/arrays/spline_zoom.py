"""Enlarge an image by whole factors with cubic splines."""

from array_api_compat import array_namespace, device

from gpipe.arrays.precision import accumulator_dtype
from gpipe.arrays.types import Array, Namespace


def spline_zoom(x: Array, factors: tuple[int, int]) -> Array:
    """Interpolate between pixels, which are taken as the centres of ``factors`` times as many new ones.

    Beyond its edges the image is its own mirror image, the first pixel repeated. The interpolating cubic spline is
    linear in the pixels, and rows and columns are independent: two matrix products do it.

    Parameters
    ----------
    x : real floating, (row, column); its dtype is kept. Sums run in float64 where the device has it.
    factors : for rows and columns.

    Notes
    -----
    The same as ``scipy.ndimage.zoom(x, factors, order=3, mode="reflect", grid_mode=True)``. Unser 1999, IEEE Signal
    Processing Magazine 16, 22.
    """
    xp = array_namespace(x)
    exact = accumulator_dtype(x, xp=xp)
    values = xp.astype(x, exact)
    down, across = (_interpolation(x.shape[axis], factors[axis], values, xp=xp) for axis in (0, 1))
    return xp.astype(down @ values @ across.T, x.dtype)


def _interpolation(count: int, factor: int, like: Array, *, xp: Namespace) -> Array:
    """(new, old): weights of the old pixels in each new one."""
    at = (xp.arange(count * factor, dtype=like.dtype, device=device(like)) + 0.5) / factor - 0.5
    below = xp.floor(at)
    fraction = at - below
    weights = [_b_spline(fraction + 1 - k, xp=xp) for k in range(4)]
    sampled = sum(w[:, None] * _nodes(below - 1 + k, count, xp=xp) for k, w in enumerate(weights))
    position = xp.arange(count, dtype=like.dtype, device=device(like))
    at_nodes = sum(w * _nodes(position + k, count, xp=xp) for k, w in ((-1, 1 / 6), (0, 2 / 3), (1, 1 / 6)))
    return xp.linalg.solve(at_nodes.T, sampled.T).T


def _nodes(index: Array, count: int, *, xp: Namespace) -> Array:
    """(index, node): 1 at the node that an index means, after reflection at the edges."""
    turned = index - 2 * count * xp.floor(index / (2 * count))
    inside = xp.where(turned < count, turned, 2 * count - 1 - turned)
    return xp.astype(inside[:, None] == xp.arange(count, dtype=index.dtype, device=device(index)), index.dtype)


def _b_spline(distance: Array, *, xp: Namespace) -> Array:
    """The cubic B-spline at a distance from its centre."""
    d = xp.abs(distance)
    near, far = 2 / 3 - d * d * (1 - d / 2), xp.clip(2 - d, 0.0, None) ** 3 / 6
    return xp.where(d < 1, near, far)
