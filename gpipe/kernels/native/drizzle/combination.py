"""Combination of exposures: ``gpipe.resample.variances.add_exposure`` and ``combine``, all sums of a pixel at once."""

import numpy as np

from gpipe.kernels.native.arguments import Function, array, contiguous, double, integer, output
from gpipe.kernels.native.by_rows import by_rows
from gpipe.resample import variances
from gpipe.resample.drizzle import Drizzled
from gpipe.resample.variances import BITS, Combined, Content, Totals, bit_of

MOST_VARIANCES = 8
"""As in C."""

_add = Function(
    "drizzle_add_exposure",
    before=array(np.float64, "pixels totals"),
    added=array(np.float64, "pixels planes"),
    means=integer,
    rnoise=integer,
    time=double,
    bit=integer,
    after=output(np.float64, "pixels totals"),
    context=output(np.int32, "pixels", is_optional=True),
)
_combine = Function(
    "drizzle_combine",
    sums=array(np.float64, "pixels totals"),
    means=integer,
    variances=integer,
    ratio=double,
    fill=double,
    out=output(np.float32, "planes length"),
)


def add_exposure(
    totals: Totals, drizzled: Drizzled, content: Content, *, number: int, time: float, workers: int = 1
) -> Totals:
    """See ``gpipe.resample.variances.add_exposure``."""
    if totals.sums.dtype != np.float64 or content.variances > MOST_VARIANCES:
        return variances.add_exposure(totals, drizzled, content, number=number, time=time)
    before, added, after = contiguous(totals.sums), contiguous(drizzled.sums), np.empty(totals.sums.shape)
    context = None if totals.context is None else totals.context.copy()
    rnoise = -1 if content.rnoise is None or not content.variances else content.rnoise

    def add(first: int, end: int) -> None:
        flat = [x[first:end].reshape(-1, x.shape[-1]) for x in (before, added, after)]
        marks = None if context is None else context[number // BITS, first:end].reshape(-1)
        _add(*flat[:2], content.means, rnoise, float(time), bit_of(number), flat[2], marks)

    by_rows(add, before.shape[0], workers)
    return Totals(after, context, None if totals.dq is None else totals.dq | drizzled.dq)


def combine(totals: Totals, content: Content, *, ratio: float, fill: float) -> Combined:
    """See ``gpipe.resample.variances.combine``."""
    if totals.sums.dtype != np.float64:
        return variances.combine(totals, content, ratio=ratio, fill=fill)
    *shape, sums = totals.sums.shape
    count = content.means + 1 + content.variances + (content.variances > 0)
    out = np.empty((count, *shape), np.float32)
    flat = contiguous(totals.sums).reshape(-1, sums)
    _combine(flat, content.means, content.variances, float(ratio), float(fill), out.reshape(count, -1))
    found, last = list(out), content.means + 1 + content.variances
    err = found[last] if content.variances else None
    return Combined(found[: content.means], found[content.means], found[content.means + 1 : last], err)
