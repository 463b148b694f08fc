"""Take the noise of the readout out of ramps and rates, image by image."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array
from gpipe.arrays.blocks import for_each, in_waves
from gpipe.arrays.rows import row_slices
from gpipe.background_mask.background import Background

FindBackground = Callable[[Array, Array], Background]
FitNoise = Callable[[Array, Array], Array]

PIXELS_AT_ONCE = 1 << 20
"""Pixels in a stack of small images, for few calls; larger images are cleaned one by one."""
SUBTRACTED_AT_ONCE = 1 << 17
"""Pixels from which a thread subtracts noise at once: few enough for its cache, enough to pay for a call."""


@dataclass(frozen=True)
class Method:
    """Method to clean an image.

    Attributes
    ----------
    fit_noise : from background-subtracted images and the masks of their background, (…, row, column), to the noise.
    find_background : from images and masks to backgrounds; None for no background.
    flat : float32, (row, column), which images are divided by before; None for none.
    """

    fit_noise: FitNoise
    find_background: FindBackground | None = None
    flat: Array | None = None


@dataclass(frozen=True)
class ImageNoise:
    """Noise and background of images.

    Attributes
    ----------
    noise : float32, (…, row, column), to subtract from the images; 0 where no pixel could be used.
    background : float32, (…, row, column) or (…, 1, 1), in units of the images divided by the flat.
    usable : bool, (…), True where any pixel could be used.
    """

    noise: Array
    background: Array
    usable: Array


@dataclass(frozen=True)
class Cleaned:
    """A cleaned exposure.

    Attributes
    ----------
    data : as the data that came in, less the noise.
    background : of the same shape, or None where it was not asked for.
    usable : bool, (integration, group) or (integration,), whether an image had background pixels. The first group of a
        ramp, which nothing is subtracted from, counts as usable.
    """

    data: Array
    background: Array | None
    usable: Array


def image_noise(images: Array, masks: Array, method: Method) -> ImageNoise:
    """Noise of images, each by itself.

    Parameters
    ----------
    images : float32, (…, row, column). NaN are left out and stay.
    masks : bool, (…, row, column), where to look for background.

    Notes
    -----
    image / flat = scene + background + noise. The background is subtracted only to find the noise.
    """
    xp = array_namespace(images, masks)
    scaled = images if method.flat is None else images / method.flat
    missing = xp.isnan(scaled)
    scaled, masks = xp.where(missing, 0.0, scaled), masks & ~missing
    usable = xp.any(masks, axis=(-2, -1), keepdims=True)
    if method.find_background is None:
        level, rest = xp.zeros_like(scaled[..., :1, :1]), scaled
    else:
        found = method.find_background(scaled, masks)
        level, masks, rest = found.level, found.mask, scaled - found.level
    noise = method.fit_noise(rest, masks)
    noise = noise if method.flat is None else noise * method.flat
    return ImageNoise(xp.where(usable, noise, 0.0), xp.where(usable, level, 0.0), usable[..., 0, 0])


def clean_ramp(
    data: Array, groupdq: Array, mask: Array, method: Method, *, keep_background: bool = False, workers: int = 1
) -> Cleaned:
    """Clean ramps: fit the noise of every difference of successive groups, and subtract the sum of these fits.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN.
    groupdq : uint8, of the same shape; a pixel with DO_NOT_USE or JUMP_DET does not count as background of the
        difference to the group before.
    mask : bool, (row, column) or (integration, row, column), where to look for background.
    workers : threads, of which each has some images at a time; the results do not depend on it.

    Returns
    -------
    Cleaned. The first group is not changed. A group whose difference has no usable pixel is not changed either; the
    sum starts again after it. NaN stay NaN. The background of a group is that of its difference; of the first it is 0.
    """
    xp = array_namespace(data, groupdq, mask)
    integrations, groups = data.shape[:2]
    cleaned = xp.empty_like(data)
    cleaned[:, 0, ...] = data[:, 0, ...]
    background = xp.zeros_like(data) if keep_background else None
    usable = xp.ones((integrations, groups), dtype=xp.bool, device=device(data))
    for some in _runs(integrations, data.shape[1:]):
        noise = xp.zeros_like(data[some, 0, ...])

        def noise_since(first: slice, some: slice = some) -> ImageNoise:
            now = _next(first)
            allowed = _mask_of(mask, some) & ((groupdq[some, now, ...] & (dq.DO_NOT_USE | dq.JUMP_DET)) == 0)
            return image_noise(data[some, now, ...] - data[some, first, ...], allowed, method)

        for first, found in in_waves(noise_since, _runs(groups - 1, data.shape[2:]), workers=workers):
            now = _next(first)
            usable[some, now] = found.usable
            if background is not None:
                background[some, now, ...] = found.background
            subtract = partial(_subtract, found=found, noise=noise, data=data, cleaned=cleaned, where=(some, now))
            for_each(subtract, row_slices(noise, pixels=SUBTRACTED_AT_ONCE), workers=workers)
    return Cleaned(cleaned, background, usable)


def _subtract(
    rows: slice, *, found: ImageNoise, noise: Array, data: Array, cleaned: Array, where: tuple[slice, slice]
) -> None:
    """Add the noise of differences to the ``noise`` so far, (integration, row, column), and clean later groups."""
    xp = array_namespace(data)
    some, groups = where
    for k, j in enumerate(range(groups.start, groups.stop)):
        since = noise[:, rows, :] + found.noise[:, k, rows, :]
        noise[:, rows, :] = xp.where(found.usable[:, k][:, None, None], since, 0.0)
        cleaned[some, j, rows, :] = data[some, j, rows, :] - noise[:, rows, :]


def clean_images(
    data: Array,
    mask: Array,
    method: Method,
    *,
    scene: Array | None = None,
    keep_background: bool = False,
    workers: int = 1,
) -> Cleaned:
    """Clean each image separately.

    Parameters
    ----------
    data : float32, (row, column), (integration, row, column) or (integration, group, row, column).
    mask : bool, (row, column) or (integration, row, column), where to look for background.
    scene : of the shape of the data, the images without noise. It is then returned as the background.
    workers : threads, of which each has some images at a time; the results do not depend on it.
    """
    xp = array_namespace(data, mask)
    shape = data.shape
    stack = xp.reshape(data, (1, 1, *shape) if data.ndim == 2 else (shape[0], -1, *shape[-2:]))
    scenes = None if scene is None else xp.reshape(scene, stack.shape)
    cleaned = xp.empty_like(stack)
    background = xp.zeros_like(stack) if keep_background and scene is None else None
    usable = xp.ones(stack.shape[:2], dtype=xp.bool, device=device(data))

    def noise_of(which: tuple[slice, slice]) -> ImageNoise:
        rest = stack[*which, ...] if scenes is None else stack[*which, ...] - scenes[*which, ...]
        return image_noise(rest, xp.broadcast_to(_mask_of(mask, which[0]), rest.shape), method)

    runs = product(_runs(stack.shape[0], stack.shape[1:]), _runs(stack.shape[1], stack.shape[2:]))
    for which, found in in_waves(noise_of, list(runs), workers=workers):
        cleaned[*which, ...] = stack[*which, ...] - found.noise
        usable[which] = found.usable
        if background is not None:
            background[*which, ...] = found.background
    kept = scene if keep_background and background is None else background
    return Cleaned(
        xp.reshape(cleaned, shape),
        None if kept is None else xp.reshape(kept, shape),
        xp.reshape(usable, shape[:-2] or (1,)),
    )


def _runs(count: int, shape: tuple[int, ...]) -> list[slice]:
    """Runs of things of this shape, each with so many as are to be worked on at once."""
    size = max(1, PIXELS_AT_ONCE // math.prod(shape)) if math.prod(shape) else 1
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _next(groups: slice) -> slice:
    """The groups after these."""
    return slice(groups.start + 1, groups.stop + 1)


def _mask_of(mask: Array, integrations: slice) -> Array:
    """Mask of some integrations, with the axes (integration, group, row, column)."""
    return mask[None, None, ...] if mask.ndim == 2 else mask[integrations, None, ...]
