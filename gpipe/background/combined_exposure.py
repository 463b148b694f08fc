"""Background exposures, combined for the pixels of another one: some rows of all of them at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.blocks import for_each
from gpipe.arrays.memory import is_on_host
from gpipe.background.average import Clipping, clipped_average, error_of_mean
from gpipe.datamodels import Header, Rate
from gpipe.datamodels.exposures.window import Window
from gpipe.datamodels.files.reading import load_plane

ON_HOST, ON_DEVICE = 1 << 18, 1 << 24
"""Pixels, of all exposures together, that are averaged at a time: on the host as many as fit in a cache."""


@dataclass(frozen=True)
class Background:
    """The average of background exposures on the pixels of another one, (row, column).

    Attributes
    ----------
    data : float32, 0 where nothing is known.
    error : of the mean, float32; None where nobody asked for it.
    dq : flags of all exposures, uint32.
    """

    data: Array
    error: Array | None
    dq: Array


@dataclass(frozen=True)
class Backgrounds:
    """Background exposures for the pixels of another one.

    Attributes
    ----------
    headers : of images and cubes, at least one. A cube counts as the average of its integrations.
    exposure : the one that they are for.
    clipping : limits of outliers.
    with_error : whether the error of the average is wanted.
    """

    headers: Sequence[Header]
    exposure: Rate
    clipping: Clipping
    with_error: bool = False

    def combined(self, *, workers: int = 1) -> Background:
        """Average them, on some threads, each where it has pixels of the exposure."""
        window, on_host = rectangle_of(self.exposure.meta), is_on_host(self.exposure.data)
        planes = sum(prod(header.shape[:-2]) for header in self.headers)
        length = max(1, (ON_HOST if on_host else ON_DEVICE) // (planes * window.xsize))

        def of_rows(start: int) -> Background:
            return self._averaged(window.part(slice(start, min(start + length, window.ysize)), None))

        return _one_below_the_other(for_each(of_rows, range(0, window.ysize, length), workers=workers))

    def _averaged(self, pixels: Window) -> Background:
        data, variances, flags = zip(*(self._on(pixels, header) for header in self.headers), strict=True)
        xp = array_namespace(*data)
        average = clipped_average(xp.stack(data), self.clipping)
        mean = xp.astype(xp.where(xp.isnan(average.mean), 0.0, average.mean), xp.float32)
        error = error_of_mean(xp.stack(variances), average.kept) if self.with_error else None
        return Background(mean, None if error is None else xp.astype(error, xp.float32), _any(flags))

    def _on(self, pixels: Window, header: Header) -> tuple[Array, Array | None, Array]:
        """Data, variance and flags of one exposure on some pixels: NaN and no flag on those that it lacks."""
        own = rectangle_of(header.meta)
        shared = pixels.overlap(own)
        found = self._image(header, shared.slices_in(own)) if shared else (None, None, None)
        place = shared.slices_in(pixels) if shared else None
        xp = array_namespace(self.exposure.data)

        def placed(part: Array | None, dtype: Any, nothing: float) -> Array:
            whole = xp.full((pixels.ysize, pixels.xsize), nothing, dtype=dtype, device=device(self.exposure.data))
            if part is not None:
                whole[place] = part
            return whole

        data, variance, dq = found
        spread = placed(variance, xp.float32, xp.nan) if self.with_error else None
        return placed(data, xp.float32, xp.nan), spread, placed(dq, xp.uint32, 0)

    def _image(self, header: Header, place: tuple[slice, slice]) -> tuple[Array, Array | None, Array]:
        """Some pixels of an exposure; of a cube averages of data and of variances, each with outliers of its own."""
        data, dq = (load_plane(header, name, self.exposure.backend, *place) for name in ("data", "dq"))
        err = load_plane(header, "err", self.exposure.backend, *place) if self.with_error else None
        variance = None if err is None else err * err
        if data.ndim == 2:
            return data, variance, dq
        xp = array_namespace(data)
        means = (None if x is None else clipped_average(x, self.clipping).mean for x in (data, variance))
        data, variance = (None if x is None else xp.astype(x, xp.float32) for x in means)
        return data, variance, _any([dq[n, ...] for n in range(dq.shape[0])])


def rectangle_of(meta: Any) -> Window:
    """The rectangle of an array by its keywords; of stripes that in which they lie packed."""
    subarray = meta.subarray
    return Window(subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize)


def _any(flags: Sequence[Array]) -> Array:
    return reduce(array_namespace(*flags).bitwise_or, flags)


def _one_below_the_other(parts: Sequence[Background]) -> Background:
    xp = array_namespace(parts[0].data)
    errors = [part.error for part in parts if part.error is not None]
    return Background(
        xp.concat([part.data for part in parts], axis=0),
        xp.concat(errors, axis=0) if errors else None,
        xp.concat([part.dq for part in parts], axis=0),
    )
