"""Groups that the decay after a reset disturbs: ``gpipe.rscd.flagging.flag_decay``, all groups of a pixel at once."""

from typing import Any

import numpy as np

from gpipe import dq
from gpipe.kernels.native.arguments import Function, array, contiguous, integer, output
from gpipe.rscd import flagging
from gpipe.rscd.flagging import Bright, Flagged
from gpipe.rscd.group_skips import GroupSkips

MOST = 0xFD
"""Groups that may be left out: C counts saturated groups, up to two more, in bytes."""

_leave_out = Function(
    "rscd_leave_out",
    groupdq=array(np.uint8, "integrations groups rows columns"),
    start=integer,
    stop=integer,
    skip=integer,
    flagged=output(np.uint8, "integrations groups rows columns"),
    found=output(np.bool_, "2 rows columns"),
)


def flag_decay(groupdq: Any, pixeldq: Any, skips: GroupSkips, *, starts_exposure: bool = True) -> Flagged:
    """See ``gpipe.rscd.flagging.flag_decay``."""
    if max(skips.first, skips.later) > MOST:
        return flagging.flag_decay(groupdq, pixeldq, skips, starts_exposure=starts_exposure)
    firsts = min(1 if starts_exposure else 0, len(groupdq))
    given, flagged = contiguous(groupdq), np.empty(groupdq.shape, np.uint8)
    bright: list[Bright | None] = []
    for start, stop, skip in ((0, firsts, skips.first), (firsts, len(groupdq), skips.later)):
        if start == stop:
            bright.append(None)
            continue
        found = np.zeros((2, *pixeldq.shape), np.bool_)
        _leave_out(given, start, stop, skip, flagged, found)
        bright.append(Bright(*np.count_nonzero(found, axis=-1)))
        pixeldq = np.where(found[0], pixeldq | dq.FLUX_ESTIMATED, pixeldq)
    return Flagged(flagged, pixeldq, *bright)
