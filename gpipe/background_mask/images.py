"""Stacks of images: whole, or one by one."""

from collections.abc import Callable

from array_api_compat import array_namespace

from gpipe.arrays import Array, Namespace


def pixels(images: Array, *, xp: Namespace) -> Array:
    """(…, pixel) of (…, row, column)."""
    return xp.reshape(images, (*images.shape[:-2], -1))


def one_by_one(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """A function of an image and its mask, (row, column), for (…, row, column)."""

    def of_all(images: Array, masks: Array) -> Array:
        if images.ndim == 2:
            return function(images, masks)
        xp = array_namespace(images, masks)
        results = [of_all(images[k, ...], masks[k, ...]) for k in range(images.shape[0])]
        return xp.stack(results)

    return of_all


def mean_image(rates: Array) -> Array:
    """Mean of all integrations without NaN, (row, column); NaN where all are NaN."""
    xp = array_namespace(rates)
    known = ~xp.isnan(rates)
    number = xp.sum(xp.astype(known, rates.dtype), axis=0)
    total = xp.sum(xp.where(known, rates, 0.0), axis=0)
    return xp.where(number > 0, total / xp.clip(number, 1.0, None), xp.nan)
