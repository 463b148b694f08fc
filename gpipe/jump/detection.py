"""Flag jumps in ramps: cosmic-ray hits and other steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array, Namespace, map_row_blocks
from gpipe.arrays.integrations import stack_integrations
from gpipe.arrays.memory import is_on_host
from gpipe.arrays.nan import nanmedian
from gpipe.jump.after_jump import AfterJump, next_groups
from gpipe.jump.differences import UNUSABLE, first_differences, median, noise, rank, rank_magnitudes, read_variance
from gpipe.jump.iterative import Thresholds, jump_bounds
from gpipe.jump.method import Method
from gpipe.jump.neighbours import Neighbours, neighbours, rows_around
from gpipe.jump.sigma_clip import clipped

CACHED_PIXELS = 1 << 7
CACHED_SAMPLES = 1 << 18
DEVICE_SAMPLES = 1 << 27


@dataclass(frozen=True, kw_only=True)
class JumpSettings:
    """Method to find jumps, and extent of their flags.

    Attributes
    ----------
    method : None finds no jumps; only existing flags are used.
    thresholds : in sigma; single pass and sigma clipping use ``four_or_more``.
    frames : frames averaged into a group.
    only_use_ints : sigma clipping compares a group with the same one of other integrations, not with all groups.
    whole_images : True if sigma clipping removes its flags in groups where every pixel is flagged. If the rows are
        only part of the image, ``Flagged.open_rows`` is returned, so that the caller can do this.
    neighbours : None for no flags in neighbours.
    after : flags after large jumps.
    """

    method: Method | None
    thresholds: Thresholds
    frames: int
    only_use_ints: bool = True
    whole_images: bool = True
    neighbours: Neighbours | None = None
    after: tuple[AfterJump, ...] = ()


@dataclass(frozen=True)
class Flagged:
    """Result of ``flag_jumps``.

    Attributes
    ----------
    groupdq : uint8, (integration, group, row, column).
    primary : samples of each row with JUMP_DET before neighbours and following groups were flagged; int64, (row,). None
        if no jumps were searched for.
    open_rows : True if a row of a group had a sample with neither JUMP_DET nor DO_NOT_USE at that time; bool,
        (integration, group, row). None except for sigma clipping.
    """

    groupdq: Array
    primary: Array | None
    open_rows: Array | None = None


def flag_unknown_gain(pixeldq: Array, gain: Array) -> Array:
    """Add NO_GAIN_VALUE and DO_NOT_USE where the gain is NaN, infinite or not positive.

    Parameters
    ----------
    pixeldq : uint32, (row, column).
    gain : float32, (row, column), electron/DN.
    """
    xp = array_namespace(pixeldq, gain)
    return xp.where((gain > 0) & (gain < xp.inf), pixeldq, pixeldq | (dq.NO_GAIN_VALUE | dq.DO_NOT_USE))


def flag_jumps(
    data: Array,
    groupdq: Array,
    gain: Array,
    readnoise: Array,
    *,
    settings: JumpSettings,
    block_pixels: int | None = None,
    workers: int = 1,
) -> Flagged:
    """Add JUMP_DET to every group whose difference to the group before is too large or too small to be noise.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN; linear. NaN is left out like DO_NOT_USE.
    groupdq : uint8, (integration, group, row, column). DO_NOT_USE and SATURATED samples are left out, and lose a
        JUMP_DET that they come with.
    gain : float32, (row, column), electron/DN.
    readnoise : float32, (row, column), DN, 1 sigma of the difference of two frames (correlated double sampling).
    block_pixels, workers : pixels that are calculated together, by default as many as fit the processor's cache, or on
        an accelerator some GB; and threads. The result does not depend on them.

    Notes
    -----
    With d the difference of two groups in electrons, m the median of all differences of the pixel (in the iterative
    method one that leaves out jumps), R the read noise in electrons and N the frames in a group, a jump is

        |d - m| > threshold * sqrt(|m| + R^2 / N).

    Anderson & Gordon 2011, PASP 123, 1237. Same results as
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/jump/description.html
    """
    xp = array_namespace(data, groupdq, gain, readnoise)
    if settings.method is None:
        return Flagged(_without_redundant(groupdq, xp), None)
    pixels = block_pixels or _pixels_at_once(data)
    typical_gain = nanmedian(xp.reshape(gain, (-1,)), axis=0, xp=xp) if settings.after else 0
    levels = [a.dn * typical_gain for a in settings.after]

    def find(*block: Array) -> tuple[Array, ...]:
        return _find(*block, settings=settings, levels=levels)

    def spread(groupdq: Array, before: Array, strong: Array, after: Array, *large: Array) -> tuple[Array]:
        return (_spread(groupdq, neighbours(before, strong, after), large, settings),)

    # A pixel is a row of its own, so that blocks can be smaller than rows where ramps are long.
    single = (xp.reshape(x, (*x.shape[:-2], -1, 1)) for x in (data, groupdq, gain, readnoise))
    found = map_row_blocks(find, *single, block_rows=pixels, workers=workers)
    flagged, strong, *large = (xp.reshape(x, (*x.shape[:-2], *gain.shape)) for x in found)
    opened = open_rows(flagged) if settings.method is Method.SIGMA_CLIP else None
    if opened is not None and settings.whole_images:
        flagged = unflag_full_groups(flagged, xp.any(opened, axis=-1))
    primary = _by_row(flagged, xp)
    rows = max(1, pixels // gain.shape[-1])
    around = rows_around(strong & _jumps(flagged))
    (flagged,) = map_row_blocks(spread, flagged, *around, *large, block_rows=rows, workers=workers)
    return Flagged(flagged, primary, opened)


def open_rows(groupdq: Array) -> Array:
    """Find rows of groups with a sample that has neither JUMP_DET nor DO_NOT_USE: bool, (integration, group, row)."""
    xp = array_namespace(groupdq)
    either = dq.JUMP_DET | dq.DO_NOT_USE
    return stack_integrations(lambda flags: xp.any(flags & either == 0, axis=-1), groupdq)


def unflag_full_groups(groupdq: Array, opened: Array) -> Array:
    """Clear samples with nothing but JUMP_DET in groups where every pixel has JUMP_DET or DO_NOT_USE.

    A jump of all pixels at once is no cosmic ray; sigma clipping finds it because it compares integrations.

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column).
    opened : bool, (integration, group): groups that have another pixel.
    """
    xp = array_namespace(groupdq, opened)
    return xp.where(~opened[..., None, None] & (groupdq == dq.JUMP_DET), 0, groupdq)


def jumps_alone(groupdq: Array, groups: Iterable[tuple[int, int]]) -> Array:
    """Count the samples with JUMP_DET and no other flag: int64, (integration, group, row).

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column).
    groups : (integration, group) pairs to count; all others get 0.
    """
    xp = array_namespace(groupdq)
    found = xp.zeros(groupdq.shape[:-1], dtype=xp.int64, device=device(groupdq))
    for i, g in groups:
        found[i, g, :] = xp.sum(xp.astype(groupdq[i, g, ...] == dq.JUMP_DET, xp.int64), axis=-1, dtype=xp.int64)
    return found


def _pixels_at_once(data: Array) -> int:
    samples = CACHED_SAMPLES if is_on_host(data) else DEVICE_SAMPLES
    return max(CACHED_PIXELS, samples // (data.shape[0] * data.shape[1]))


def _find(
    data: Array, groupdq: Array, gain: Array, readnoise: Array, *, settings: JumpSettings, levels: list[Array]
) -> tuple[Array, ...]:
    """Flags of the jumps themselves, then masks of differences that flags spread from if they are jumps."""
    xp = array_namespace(data, groupdq)
    differences = first_differences(data, groupdq, gain)
    ranked = rank(_all_together(differences, xp))
    flux, variance = median(ranked), read_variance(readnoise, gain, frames=settings.frames)
    excess, sigma = differences - flux, noise(flux, variance)
    off = xp.abs(excess)
    if settings.method is Method.ITERATIVE:
        jumps = jump_bounds(rank_magnitudes(ranked), variance, settings.thresholds).exceeded_by(differences)
    elif settings.method is Method.SINGLE_PASS:
        jumps = off > settings.thresholds.four_or_more * sigma
    elif settings.only_use_ints:
        jumps = clipped(differences, settings.thresholds.four_or_more)
    else:
        together = clipped(_all_together(differences, xp), settings.thresholds.four_or_more)
        jumps = xp.reshape(together, differences.shape)
    reach = settings.neighbours
    strong = (off > reach.least * sigma) & (off < reach.most * sigma) if reach else xp.zeros_like(jumps)
    return _with_jumps(groupdq, jumps), strong, *(excess >= level for level in levels)


def _spread(groupdq: Array, reached: Array, large: Sequence[Array], settings: JumpSettings) -> Array:
    """Flag neighbours that are reached, then the groups after large jumps."""
    xp = array_namespace(groupdq, reached)
    usable = (groupdq[:, 1:, ...] & UNUSABLE) == 0
    groupdq = _with_jumps(groupdq, reached & usable)
    if large:
        jumps = _jumps(groupdq)
        following = [next_groups(x & jumps, a.groups) for x, a in zip(large, settings.after, strict=True)]
        groupdq = _with_jumps(groupdq, reduce(xp.logical_or, following) & usable)
    return _without_redundant(groupdq, xp)


def _by_row(groupdq: Array, xp: Namespace) -> Array:
    """Samples of each row with JUMP_DET; one integration at a time (see gpipe.arrays.integrations)."""
    found = [
        xp.sum(xp.astype((groupdq[i, ...] & dq.JUMP_DET) != 0, xp.int64), axis=(0, 2), dtype=xp.int64)
        for i in range(groupdq.shape[0])
    ]
    return sum(found[1:], start=found[0])


def _jumps(groupdq: Array) -> Array:
    """Mark samples with JUMP_DET after the first group: bool, (integration, group - 1, row, column)."""
    return (groupdq[:, 1:, ...] & dq.JUMP_DET) != 0


def _with_jumps(groupdq: Array, jumps: Array) -> Array:
    """Add JUMP_DET to groups after the first."""
    xp = array_namespace(groupdq, jumps)
    later = groupdq[:, 1:, ...] | xp.astype(jumps, xp.uint8) * dq.JUMP_DET
    return xp.concat([groupdq[:, :1, ...], later], axis=1)


def _all_together(differences: Array, xp: Namespace) -> Array:
    """Differences of all integrations along one axis: (value, row, column)."""
    return xp.reshape(differences, (-1, *differences.shape[2:]))


def _without_redundant(groupdq: Array, xp: Namespace) -> Array:
    """Take JUMP_DET from samples that are DO_NOT_USE or SATURATED anyway."""
    redundant = xp.astype((groupdq & UNUSABLE) != 0, xp.uint8)
    return groupdq & (0xFF - redundant * dq.JUMP_DET)
