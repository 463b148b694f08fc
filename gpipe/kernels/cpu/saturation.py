"""Saturation: ``gpipe.saturation.saturation.flag_saturation`` in one pass, row after row.

Flags grow by ``grow`` rows twice, so the pass goes through an integration with three rows in hand: in the first,
samples are compared with the threshold; ``grow`` rows behind, charge has spilt and flags are complete but for groups
of averaged frames, which are looked for; another ``grow`` rows behind, those have reached their neighbours, too. What
one row tells another is kept, grown along the row already, in a ring of ``2 grow + 1`` rows.
"""

import numpy as np

from gpipe import dq
from gpipe.kernels.cpu.arguments import frozen
from gpipe.kernels.cpu.compiling import helper, kernel
from gpipe.kernels.cpu.tiles import F, clear
from gpipe.saturation.saturation import BEYOND_CONVERTER, Flagged, _clear_zeroframe

SATURATED, NO_SAT_CHECK, AD_FLOOR = dq.SATURATED, dq.NO_SAT_CHECK, dq.AD_FLOOR
DO_NOT_USE, AT_FLOOR = dq.DO_NOT_USE, dq.AD_FLOOR | dq.DO_NOT_USE
UNUSABLE = dq.SATURATED | dq.DO_NOT_USE
OUT_OF_REACH = F(BEYOND_CONVERTER)


def flag_saturation(
    data: np.ndarray,
    groupdq: np.ndarray,
    pixeldq: np.ndarray,
    level: np.ndarray,
    level_dq: np.ndarray,
    *,
    grow: int = 1,
    nframes: int | None = None,
    bias: np.ndarray | None = None,
    zeroframe: np.ndarray | None = None,
) -> Flagged:
    """``gpipe.saturation.saturation.flag_saturation``."""
    rows, frames = level.shape[0], nframes or 0
    limit, unchecked, new_dq = np.empty_like(level), np.empty(level.shape, np.bool_), np.empty_like(pixeldq)
    set_thresholds(frozen(pixeldq), frozen(level), frozen(level_dq), limit, unchecked, new_dq)
    flags, seen = np.empty(groupdq.shape, np.uint8), np.zeros(level.shape, np.uint8)
    counts = np.zeros((2, rows), np.int32)
    known = np.zeros_like(level) if bias is None else bias
    flag_rows(frozen(data), frozen(groupdq), limit, unchecked, frozen(known), frames, grow, flags, seen)
    count_rows(seen, counts)
    return Flagged(
        groupdq=flags,
        pixeldq=new_dq,
        zeroframe=None if zeroframe is None else _clear_zeroframe(zeroframe, limit, grow=grow, xp=np),
        saturated_pixels=counts[0],
        floor_pixels=counts[1],
    )


@kernel
def set_thresholds(pixeldq, level, level_dq, limit, unchecked, new_dq):
    """``usable_threshold``, and its flags joined with those of the pixels."""
    for y in range(level.shape[0]):
        for x in range(level.shape[1]):
            unknown = np.isnan(level[y, x])
            out = unknown or level_dq[y, x] & NO_SAT_CHECK != 0
            limit[y, x] = OUT_OF_REACH if out else level[y, x]
            unchecked[y, x] = out
            new_dq[y, x] = pixeldq[y, x] | level_dq[y, x] | (NO_SAT_CHECK if unknown else 0)


@kernel
def count_rows(seen, counts):
    """How many pixels of each row have SATURATED, AD_FLOOR: counts[0], counts[1]."""
    for y in range(seen.shape[0]):
        for x in range(seen.shape[1]):
            counts[0, y] += (seen[y, x] & SATURATED) != 0
            counts[1, y] += (seen[y, x] & AD_FLOOR) != 0


@kernel
def flag_rows(data, groupdq, limit, unchecked, bias, frames, grow, flags, seen):
    """Write ``flags``, and to ``seen`` those of each pixel in any group; no rules 3 and 4 if ``frames`` is 0."""
    groups, columns = data.shape[1], data.shape[3]
    depth = 2 * grow + 1
    spilt = np.zeros((depth, groups, columns), np.uint8)
    hidden = np.zeros((depth, groups, columns), np.uint8)
    found = np.zeros((depth, groups), np.bool_)
    wide, reached = np.zeros(columns + 2 * grow, np.uint8), np.empty(columns, np.uint8)
    _flag_rows(data, groupdq, limit, unchecked, bias, frames, grow, spilt, hidden, found, wide, reached, flags, seen)


@helper
def _flag_rows(data, groupdq, limit, unchecked, bias, frames, grow, spilt, hidden, found, wide, reached, flags, seen):
    integrations, groups, rows, _ = data.shape
    depth = spilt.shape[0]
    for i in range(integrations):
        for step in range(rows + 2 * grow):
            y = step
            if y < rows:
                _saturate(data[i], groupdq[i], limit[y], y, wide, grow, reached, spilt[y % depth])
            y = step - grow
            if 0 <= y < rows:
                _flag(data[i], groupdq[i], y, spilt, grow, flags[i], seen[y])
                if frames > 1:
                    _hide(
                        data[i],
                        flags[i],
                        limit[y],
                        unchecked[y],
                        y,
                        frames,
                        wide,
                        grow,
                        hidden[y % depth],
                        found[y % depth],
                    )
                if frames > 0 and groups > 2:
                    _late(data[i], flags[i], limit[y], bias[y], y, frames)
            y = step - 2 * grow
            if frames > 1 and y >= 0:
                for g in range(groups - 1):
                    for near in range(max(y - grow, 0), min(y + grow + 1, rows)):
                        if found[near % depth, g]:
                            _join(flags[i, g, y], hidden[near % depth, g])


@helper
def _saturate(data, groupdq, limit, y, wide, grow, reached, spilt):
    """Rule 1: SATURATED for saturated pixels of a row and those beside them, in each group."""
    clear(reached, reached.size)
    for g in range(data.shape[0]):
        _reach(data[g, y], limit, reached)
        _with_flagged(reached, groupdq[g, y], wide[grow : grow + limit.size])
        _grow(wide, spilt[g])


@helper
def _reach(counts, limit, reached):
    for x in range(limit.size):
        reached[x] |= SATURATED if counts[x] >= limit[x] else 0


@helper
def _with_flagged(reached, flags, out):
    for x in range(out.size):
        out[x] = reached[x] | (flags[x] & SATURATED)


@helper
def _grow(wide, grown):
    """Flags of each pixel and those beside it; ``wide`` has as many pixels more at both ends as flags grow by."""
    clear(grown, grown.size)
    for shift in range(wide.size - grown.size + 1):
        _join(grown, wide[shift : shift + grown.size])


@helper
def _join(out, other):
    for x in range(out.size):
        out[x] |= other[x]


@helper
def _flag(data, groupdq, y, spilt, grow, flags, seen):
    """Rules 1 and 2: all flags of a row."""
    rows = data.shape[1]
    for g in range(data.shape[0]):
        out = flags[g, y]
        _flag_floor(data[g, y], groupdq[g, y], out)
        for near in range(max(y - grow, 0), min(y + grow + 1, rows)):
            _join(out, spilt[near % spilt.shape[0], g])
        _join(seen, out)


@helper
def _flag_floor(counts, before, after):
    for x in range(after.size):
        after[x] = before[x] | (AT_FLOOR if counts[x] <= 0 else 0)


@helper
def _hide(data, flags, limit, unchecked, y, frames, wide, grow, hidden, found):
    """Rule 3: DO_NOT_USE for pixels of a row whose saturation averaging hides, and those beside them."""
    inner = wide[grow : grow + limit.size]
    for g in range(data.shape[0] - 1):
        found[g] = _before_saturation(flags[g, y], flags[g + 1, y], inner)
        if found[g]:
            dilution = (g * frames + (frames + 1) / 2) / ((g + 1) * frames)
            _keep_diluted(data[g, y], limit, unchecked, dilution, inner)
            _grow(wide, hidden[g])


@helper
def _before_saturation(flags, following, out):
    """DO_NOT_USE where a sample is usable but the following one is saturated; whether there is any."""
    found = np.uint8(0)
    for x in range(out.size):
        before = ((flags[x] & UNUSABLE) == 0) & ((following[x] & SATURATED) != 0)
        out[x] = DO_NOT_USE if before else 0
    for x in range(out.size):
        found |= out[x]
    return found != 0


@helper
def _keep_diluted(counts, limit, unchecked, dilution, out):
    """Of these, keep where ``hidden_saturation`` holds."""
    for x in range(out.size):
        exact = np.float64(limit[x])
        hidden = counts[x] >= (exact if unchecked[x] else exact * dilution)
        out[x] &= DO_NOT_USE if hidden else 0


@helper
def _late(data, flags, limit, bias, y, frames):
    """Rule 4: ``late_second_group``."""
    first, second, third, out = data[0, y], data[1, y], flags[2, y], flags[1, y]
    for x in range(limit.size):
        announced = np.float64(first[x] - bias[x]) / ((frames + 1) / 2) * (3 * frames) + bias[x]
        late = (announced < limit[x]) & (second[x] - first[x] > (limit[x] - first[x]) / F(frames))
        late &= ((third[x] & SATURATED) != 0) & ((out[x] & SATURATED) == 0)
        out[x] |= DO_NOT_USE if late else 0
