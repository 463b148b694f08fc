"""Flags for samples of a ramp outside of the range of the detector or of its converter."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array, Namespace
from gpipe.arrays.dilation import dilate_box
from gpipe.arrays.rows import row_slices, widen
from gpipe.saturation.averaged_groups import hidden_saturation, late_second_group

CACHED_SAMPLES = 1 << 18
BEYOND_CONVERTER = 65536.0
"""A threshold in DN that a 16-bit converter cannot reach."""


@dataclass(frozen=True)
class Threshold:
    """Saturation thresholds that are safe to compare with.

    Attributes
    ----------
    level : float32, (row, column), DN; out of reach where saturation is not to be checked.
    unchecked : bool, (row, column).
    dq : uint32, (row, column); NO_SAT_CHECK added where the threshold was not finite.
    """

    level: Array
    unchecked: Array
    dq: Array


@dataclass(frozen=True)
class Flagged:
    """Result of ``flag_saturation``.

    Attributes
    ----------
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    zeroframe : float32, (integration, row, column), DN, or None.
    saturated_pixels, floor_pixels : pixels of each row with SATURATED, AD_FLOOR in some group; int32, (row,).
    """

    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None
    saturated_pixels: Array
    floor_pixels: Array


def flag_saturation(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    level: Array,
    level_dq: Array,
    *,
    grow: int = 1,
    nframes: int | None = None,
    bias: Array | None = None,
    zeroframe: Array | None = None,
) -> Flagged:
    """Flag saturated samples, samples at the converter's floor, and their consequences.

    For every integration and group, with counts ``S`` and threshold ``L``:

    1. ``S >= L`` flags SATURATED from that group to the last one. In each group saturated pixels (those flagged in
       the input too) spill charge: pixels within ``grow`` pixels of them are flagged SATURATED in that group.
    2. ``S <= 0`` flags AD_FLOOR and DO_NOT_USE in that group.
    3. If groups average ``nframes`` frames: a group without SATURATED or DO_NOT_USE that is followed by a saturated
       one and passes ``hidden_saturation`` gets DO_NOT_USE, with all pixels within ``grow`` pixels.
    4. The second group gets DO_NOT_USE where it is not saturated, the third one is, and ``late_second_group`` holds.

    Rules 3 and 4 count frames as if none were dropped between groups, as jwst does.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN is neither saturated nor at the floor.
    groupdq : uint8, (integration, group, row, column).
    pixeldq : uint32, (row, column).
    level : float32, (row, column), DN. NaN and infinity mean unknown: the pixel is not checked, gets NO_SAT_CHECK.
    level_dq : uint32, (row, column); joins ``pixeldq``. Pixels with NO_SAT_CHECK are not checked.
    grow : pixels by which charge spills, diagonals included.
    nframes : frames averaged in a group; None leaves out rules 3 and 4.
    bias : float32, (row, column), DN, for rule 4; None counts as 0, NaN excludes the pixel from rule 4.
    zeroframe : float32, (integration, row, column), DN. It has no flags: samples that rules 1 and 2 flag become 0.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/saturation/description.html
    """
    xp = array_namespace(data, groupdq, pixeldq, level, level_dq, bias, zeroframe)
    threshold = usable_threshold(level, level_dq)
    flags = xp.empty_like(groupdq)
    seen = xp.zeros_like(groupdq[0, 0, ...])
    for rows in row_slices(data, pixels=CACHED_SAMPLES // data.shape[1]):
        # Flags grow twice: rule 3 looks at groups to which charge has spilt.
        around, middle = widen(rows, 2 * grow, data.shape[-2])
        limit, unchecked = threshold.level[around, :], threshold.unchecked[around, :]
        local_bias = None if bias is None else bias[around, :]
        for i in range(data.shape[0]):  # see gpipe.arrays.integrations
            counts = data[i, :, around, :]
            block = _flag_block(counts, groupdq[i, :, around, :], limit, grow=grow, xp=xp)
            if nframes is not None:
                extra = _averaged_groups(counts, block, limit, unchecked, local_bias, nframes=nframes, grow=grow, xp=xp)
                block = block | _bits(extra, dq.DO_NOT_USE, groupdq, xp=xp)
            flags[i, :, rows, :] = block[:, middle, :]
            for g in range(data.shape[1]):
                seen[rows, :] |= block[g, middle, :]
    return Flagged(
        groupdq=flags,
        pixeldq=pixeldq | threshold.dq,
        zeroframe=None if zeroframe is None else _clear_zeroframe(zeroframe, threshold.level, grow=grow, xp=xp),
        saturated_pixels=count_by_row(seen & dq.SATURATED),
        floor_pixels=count_by_row(seen & dq.AD_FLOOR),
    )


def usable_threshold(level: Array, level_dq: Array) -> Threshold:
    """Put thresholds that are not finite or flagged NO_SAT_CHECK out of reach, and flag the former NO_SAT_CHECK.

    Parameters
    ----------
    level : float32, (row, column), DN.
    level_dq : uint32, (row, column).
    """
    xp = array_namespace(level, level_dq)
    unknown = ~xp.isfinite(level)
    unchecked = unknown | ((level_dq & dq.NO_SAT_CHECK) != 0)
    return Threshold(
        level=xp.where(unchecked, BEYOND_CONVERTER, level),
        unchecked=unchecked,
        dq=level_dq | _bits(unknown, dq.NO_SAT_CHECK, level_dq, xp=xp),
    )


def _flag_block(data: Array, groupdq: Array, level: Array, *, grow: int, xp: Namespace) -> Array:
    """Rules 1 and 2 of ``flag_saturation`` for one integration."""
    saturated = data >= level
    for g in range(1, data.shape[0]):
        saturated[g, ...] |= saturated[g - 1, ...]
    saturated |= (groupdq & dq.SATURATED) != 0
    return (
        groupdq
        | _bits(dilate_box(saturated, grow, xp=xp), dq.SATURATED, groupdq, xp=xp)
        | _bits(data <= 0, dq.AD_FLOOR | dq.DO_NOT_USE, groupdq, xp=xp)
    )


def _averaged_groups(
    data: Array,
    flags: Array,
    level: Array,
    unchecked: Array,
    bias: Array | None,
    *,
    nframes: int,
    grow: int,
    xp: Namespace,
) -> Array:
    """Rules 3 and 4 of ``flag_saturation`` for one integration: samples that are not to be used."""
    out = xp.zeros_like(flags, dtype=xp.bool)
    saturated = (flags & dq.SATURATED) != 0
    if nframes > 1:
        reached = hidden_saturation(data[:-1, ...], level, unchecked, nframes=nframes)
        unflagged = (flags[:-1, ...] & (dq.SATURATED | dq.DO_NOT_USE)) == 0
        out[:-1, ...] = dilate_box(reached & unflagged & saturated[1:, ...], grow, xp=xp)
    if data.shape[0] > 2:
        late = late_second_group(data[0, ...], data[1, ...], level, bias, nframes=nframes)
        out[1, ...] |= late & saturated[2, ...] & ~saturated[1, ...]
    return out


def _clear_zeroframe(zeroframe: Array, level: Array, *, grow: int, xp: Namespace) -> Array:
    bad = dilate_box(zeroframe >= level, grow, xp=xp) | (zeroframe <= 0)
    return xp.where(bad, 0.0, zeroframe)


def count_by_row(flags: Array) -> Array:
    """Count the pixels with a flag in each row of (row, column): int32, (row,)."""
    xp = array_namespace(flags)
    return xp.sum(xp.astype(flags != 0, xp.int32), axis=-1, dtype=xp.int32)


def _bits(mask: Array, flag: int, like: Array, *, xp: Namespace) -> Array:
    return xp.astype(mask, like.dtype) * flag
