"""The faint light of showers: where the surroundings of a pixel gain more, on average, than noise explains."""

from dataclasses import dataclass
from math import floor

import array_api_extra as xpx
from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace, map_row_blocks
from gpipe.arrays.ranked import moments, rank_values, sigma_clip
from gpipe.arrays.rows import row_slices
from gpipe.jump.differences import UNUSABLE, first_differences, median, noise, rank, read_variance

LEFT_OUT = UNUSABLE | dq.JUMP_DET
CLIP_AT = 5.0
CACHED_SAMPLES = 1 << 20

Offsets = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class LightSettings:
    """Settings that define the light of a shower.

    Attributes
    ----------
    frames : frames averaged into a group.
    threshold : least mean signal to noise.
    ring : offsets (row, column) of the pixels around one that are averaged.
    by_group : True to compare a difference with the same one of other integrations, sigma clipped; False with all
        differences of the pixel.
    """

    frames: int
    threshold: float
    ring: Offsets
    by_group: bool = False


def ring_offsets(inner: float, width: float) -> Offsets:
    """(row, column) of all pixels whose distance lies between ``inner`` and ``inner + width``, both included."""
    reach = range(-floor(inner + width), floor(inner + width) + 1)
    return tuple((r, c) for r in reach for c in reach if inner**2 <= r * r + c * c <= (inner + width) ** 2)


def mere_reference_pixels(pixeldq: Array) -> Array:
    """Mark pixels whose only flag is REFERENCE_PIXEL. Others count as if they saw light, as in jwst."""
    return pixeldq == dq.REFERENCE_PIXEL


def faint_light(
    data: Array, groupdq: Array, pixeldq: Array, gain: Array, readnoise: Array, *, settings: LightSettings
) -> Array:
    """Mark pixels around which the ring deviates from its usual values by more than a threshold on average.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN; linear. All integrations and whole frames are needed.
    groupdq : uint8, (integration, group, row, column). DO_NOT_USE, SATURATED and JUMP_DET samples are left out.
    pixeldq : uint32, (row, column). Pixels with one of these flags are left out, and those whose only flag is
        REFERENCE_PIXEL.
    gain : float32, (row, column), electron/DN.
    readnoise : float32, (row, column), DN, 1 sigma of the difference of two frames (correlated double sampling).

    Returns
    -------
    bool, (integration, group, row, column), False in first groups and where a sample is left out.

    Notes
    -----
    With d a difference in electrons, m its usual value and sigma its noise, the mean of |d - m| / sigma over the ring
    is compared with the threshold. Pixels that are left out do not count; beyond the edge of the image the values
    are 0. m and sigma are the median and sqrt(|m| + R^2 / N) as in `flag_jumps`, or median and standard deviation after
    clipping at 5 sigma. https://jwst-pipeline.readthedocs.io/en/latest/jwst/jump/description.html
    """
    xp = array_namespace(data, groupdq, pixeldq, gain, readnoise)

    def usual(*block: Array) -> tuple[Array, Array]:
        return _usual(*block, settings=settings)

    integrations, groups, _, columns = data.shape
    block_rows = max(1, CACHED_SAMPLES // (integrations * groups * columns))
    flux, sigma = map_row_blocks(usual, data, groupdq, gain, readnoise, block_rows=block_rows)
    shown = ((pixeldq & LEFT_OUT) == 0) & ~mere_reference_pixels(pixeldq)
    light = xp.zeros(data.shape, dtype=xp.bool, device=device(data))
    for i in range(integrations):
        for group in range(1, groups):
            pair = slice(i, i + 1), slice(group - 1, group + 1)
            difference = first_differences(data[*pair, ...], groupdq[*pair, ...], gain, unusable=LEFT_OUT)[0, 0, ...]
            which = group - 1 if settings.by_group else 0
            ratio = xp.abs(difference - flux[which, ...]) / sigma[which, ...]
            light[i, group, ...] = _outshines(xp.where(shown, ratio, xp.nan), settings, xp=xp)
    return light


def _usual(
    data: Array, groupdq: Array, gain: Array, readnoise: Array, *, settings: LightSettings
) -> tuple[Array, Array]:
    """Usual value of differences and their noise, electron: (group - 1 or 1, row, column); no noise is NaN."""
    xp = array_namespace(data, groupdq, gain, readnoise)
    differences = first_differences(data, groupdq, gain, unusable=LEFT_OUT)
    if settings.by_group:
        values = xp.permute_dims(differences, (1, 2, 3, 0))
        ranked = rank_values(values, ~xp.isnan(values))
        found = moments(ranked, sigma_clip(ranked, limit=CLIP_AT))
        flux, sigma = (xp.astype(x[..., 0], data.dtype) for x in (found.median, found.deviation))
        return flux, xp.where(sigma > 0, sigma, xp.nan)
    flux = median(rank(xp.reshape(differences, (-1, *differences.shape[2:]))))
    sigma = noise(flux, read_variance(readnoise, gain, frames=settings.frames))
    return flux[None, ...], sigma[None, ...]


def _outshines(ratio: Array, settings: LightSettings, *, xp: Namespace) -> Array:
    """Mark pixels with a mean over the ring above the threshold: bool, (row, column)."""
    threshold = settings.threshold
    known = xp.isfinite(ratio)
    # The mean exceeds the threshold if the sum of what is above it does exceed 0, whatever the number of pixels.
    excess = xp.where(known, ratio - threshold, 0.0)
    reach = max(max(abs(r), abs(c)) for r, c in settings.ring)
    wide = xpx.pad(excess, reach, constant_values=-threshold, xp=xp)
    parts = []
    for rows in row_slices(ratio):
        around = wide[rows.start : rows.stop + 2 * reach, :]
        parts.append(_ring_sum(around, settings.ring, reach, xp=xp) > 0)
    return known & xp.concat(parts, axis=0)


def _ring_sum(wide: Array, ring: Offsets, reach: int, *, xp: Namespace) -> Array:
    """Sum over the ring around each pixel that is at least ``reach`` pixels from the edge."""
    rows, columns = (size - 2 * reach for size in wide.shape)
    total = xp.zeros((rows, columns), dtype=wide.dtype, device=device(wide))
    for r, c in ring:
        total += wide[reach + r : reach + r + rows, reach + c : reach + c + columns]
    return total
