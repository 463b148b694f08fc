"""Showers are faint: where their flags change the rate of a pixel by much, something else was flagged."""

from array_api_compat import array_namespace

from gpipe.arrays import Array, Namespace, map_row_blocks
from gpipe.jump.differences import first_differences
from gpipe.jump.shower_light import CACHED_SAMPLES, LEFT_OUT, mere_reference_pixels


def keep_small_changes(data: Array, before: Array, after: Array, pixeldq: Array, gain: Array, *, most: float) -> Array:
    """Take back the flags of those pixels of an integration whose rate they change by more than ``most``.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN; linear.
    before, after : uint8, like ``data``: flags without and with showers.
    pixeldq : uint32, (row, column). Reference pixels keep their old flags.
    gain : float32, (row, column), electron/DN.
    most : electron per group. The rate is the mean of the differences of neighbouring groups without DO_NOT_USE,
        SATURATED and JUMP_DET; a pixel that has none keeps its old flags.

    Returns
    -------
    uint8, like ``data``.
    """
    xp = array_namespace(data, before, after, pixeldq, gain)

    def keep(data: Array, before: Array, after: Array, pixeldq: Array, gain: Array) -> tuple[Array]:
        rates = [_mean_difference(data, flags, gain, xp=xp) for flags in (before, after)]
        small = (xp.abs(rates[0] - rates[1]) <= most) & ~mere_reference_pixels(pixeldq)
        return (xp.where(small, after, before),)

    integrations, groups, _, columns = data.shape
    block_rows = max(1, CACHED_SAMPLES // (integrations * groups * columns))
    return map_row_blocks(keep, data, before, after, pixeldq, gain, block_rows=block_rows)[0]


def _mean_difference(data: Array, groupdq: Array, gain: Array, *, xp: Namespace) -> Array:
    """(integration, 1, row, column), electron; NaN where there is none."""
    differences = first_differences(data, groupdq, gain, unusable=LEFT_OUT)
    known = ~xp.isnan(differences)
    count = xp.sum(xp.astype(known, data.dtype), axis=1, keepdims=True)
    total = xp.sum(xp.where(known, differences, 0.0), axis=1, keepdims=True)
    return xp.where(count > 0, total / xp.where(count > 0, count, 1.0), xp.nan)
