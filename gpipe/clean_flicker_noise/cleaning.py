"""Take the noise of the readout out of ramps and rates, image by image."""

from collections.abc import Callable
from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array
from gpipe.clean_flicker_noise.background import Background

FindBackground = Callable[[Array, Array], Background]
FitNoise = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Method:
    """How an image is cleaned.

    Attributes
    ----------
    fit_noise : from a background-subtracted image and the mask of its background, both (row, column), to the noise.
    find_background : from an image and a mask to the background; None for no background.
    flat : float32, (row, column), which images are divided by before; None for none.
    """

    fit_noise: FitNoise
    find_background: FindBackground | None = None
    flat: Array | None = None


@dataclass(frozen=True)
class ImageNoise:
    """What was found in an image.

    Attributes
    ----------
    noise : float32, (row, column), to subtract from the image; 0 where no pixel could be used.
    background : float32, (row, column) or (1,), in units of the image divided by the flat.
    usable : bool, (), whether any pixel could be used.
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


def image_noise(image: Array, mask: Array, method: Method) -> ImageNoise:
    """Noise of one image.

    Parameters
    ----------
    image : float32, (row, column). NaN are left out and stay.
    mask : bool, (row, column), where to look for background.

    Notes
    -----
    image / flat = scene + background + noise. The background is subtracted only to find the noise.
    """
    xp = array_namespace(image, mask)
    scaled = image if method.flat is None else image / method.flat
    missing = xp.isnan(scaled)
    scaled, mask = xp.where(missing, 0.0, scaled), mask & ~missing
    usable = xp.any(mask)
    if method.find_background is None:
        level, rest = xp.zeros_like(scaled[0, :1]), scaled
    else:
        found = method.find_background(scaled, mask)
        level, mask, rest = found.level, found.mask, scaled - found.level
    noise = method.fit_noise(rest, mask)
    noise = noise if method.flat is None else noise * method.flat
    return ImageNoise(xp.where(usable, noise, 0.0), xp.where(usable, level, 0.0), usable)


def clean_ramp(data: Array, groupdq: Array, mask: Array, method: Method, *, keep_background: bool = False) -> Cleaned:
    """Clean ramps: the noise of every difference of successive groups is found, and their sum subtracted.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN.
    groupdq : uint8, of the same shape; a pixel with DO_NOT_USE or JUMP_DET does not count as background of the
        difference to the group before.
    mask : bool, (row, column) or (integration, row, column), where to look for background.

    Returns
    -------
    Cleaned. The first group stays as it is, and so does a group whose difference has no usable pixel; the sum begins
    anew after it. NaN stay where they are. The background of a group is that of its difference, that of the first is 0.
    """
    xp = array_namespace(data, groupdq, mask)
    integrations, groups = data.shape[:2]
    cleaned = xp.astype(data, data.dtype, copy=True)
    background = xp.zeros_like(data) if keep_background else None
    usable = [xp.stack([xp.ones_like(xp.any(mask))] * groups)] * integrations
    for i in range(integrations):
        noise, states = xp.zeros_like(data[0, 0, ...]), [usable[i][0]]
        for j in range(1, groups):
            allowed = _plane(mask, i) & ((groupdq[i, j, ...] & (dq.DO_NOT_USE | dq.JUMP_DET)) == 0)
            found = image_noise(data[i, j, ...] - data[i, j - 1, ...], allowed, method)
            noise = xp.where(found.usable, noise + found.noise, 0.0)
            cleaned[i, j, ...] = data[i, j, ...] - noise
            states.append(found.usable)
            if background is not None:
                background[i, j, ...] = found.background
        usable[i] = xp.stack(states)
    return Cleaned(cleaned, background, xp.stack(usable))


def clean_images(
    data: Array, mask: Array, method: Method, *, scene: Array | None = None, keep_background: bool = False
) -> Cleaned:
    """Clean images, each by itself.

    Parameters
    ----------
    data : float32, (row, column), (integration, row, column) or (integration, group, row, column).
    mask : bool, (row, column) or (integration, row, column), where to look for background.
    scene : of the shape of the data, what images show apart from noise. It is then the background that is returned.
    """
    xp = array_namespace(data, mask)
    shape = data.shape
    images = xp.reshape(data, (-1, *shape[-2:]))
    scenes = None if scene is None else xp.reshape(scene, images.shape)
    per_integration = shape[1] if data.ndim == 4 else 1
    cleaned = xp.astype(images, images.dtype, copy=True)
    background = xp.zeros_like(images) if keep_background and scene is None else None
    usable = []
    for i in range(images.shape[0]):
        image = images[i, ...] if scenes is None else images[i, ...] - scenes[i, ...]
        found = image_noise(image, _plane(mask, i // per_integration), method)
        cleaned[i, ...] = images[i, ...] - found.noise
        usable.append(found.usable)
        if background is not None:
            background[i, ...] = found.background
    kept = scene if keep_background and background is None else background
    return Cleaned(
        xp.reshape(cleaned, shape),
        None if kept is None else xp.reshape(kept, shape),
        xp.reshape(xp.stack(usable), shape[:-2] or (1,)),
    )


def _plane(mask: Array, integration: int) -> Array:
    return mask if mask.ndim == 2 else mask[integration, ...]
