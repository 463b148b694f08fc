"""Multistripe readout: the lines of the detector that an array holds which is read in stripes.

A line is a detector row or column along the slow axis, counted from 0 in the order of reading. In a superstripe
exposure each integration reads another stripe, and ``num_superstripe`` integrations make up one of the whole.
https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.datamodels.exposures.window import StripedWindow, Window

# Superstripes that are put together to the whole slow axis, with empty lines where nothing is read.
WHOLE_AXIS = ("SUB17STRIPE_SOSS", "SUB60STRIPE_SOSS", "SUB204STRIPE_SOSS", "SUB680STRIPE_SOSS")


@dataclass(frozen=True)
class Run:
    """Lines that are read one after the other: ``length`` of them from ``line`` of the detector on.

    ``position`` is where they begin in the array, ``reference`` whether they are the reads of reference pixels that
    precede a stripe.
    """

    position: int
    line: int
    length: int
    reference: bool


@dataclass(frozen=True)
class StripePattern:
    """Readout of the lines of a multistripe array.

    Attributes
    ----------
    size : lines of the array.
    origin : the first line that is read.
    reads1, skips1 : lines that are read first, and skipped after them.
    reads2, skips2 : lines of a stripe, and between stripes.
    repeats : whether the readout goes back to ``origin`` after each stripe.
    interleaves : whether it then goes on to the next stripe instead of the same.
    step : lines from a superstripe to the next.
    count : superstripes; 0 where every integration reads the same.
    """

    size: int
    origin: int
    reads1: int
    skips1: int
    reads2: int
    skips2: int
    repeats: bool
    interleaves: bool
    step: int
    count: int

    @classmethod
    def of(cls, meta: Any) -> "StripePattern | None":
        """The pattern that metadata describe; None where the readout is an ordinary one."""
        subarray = meta.subarray
        if getattr(subarray, "multistripe_reads1", None) is None:
            return None
        along_rows = abs(subarray.slowaxis) == 2
        size, start = (subarray.ysize, subarray.ystart) if along_rows else (subarray.xsize, subarray.xstart)
        return cls(
            size=size,
            origin=_origin(subarray.slowaxis, start, str(subarray.name)),
            reads1=subarray.multistripe_reads1,
            skips1=subarray.multistripe_skips1 or 0,
            reads2=subarray.multistripe_reads2 or 0,
            skips2=subarray.multistripe_skips2 or 0,
            repeats=bool(subarray.repeat_stripe),
            interleaves=bool(subarray.interleave_reads1),
            step=subarray.superstripe_step or 0,
            count=subarray.num_superstripe or 0,
        )

    def runs(self, stripe: int = 0) -> tuple[Run, ...]:
        """List the reads for the array of a superstripe, in order. ValueError if they do not fill the array."""
        found, position = [], 0
        for line, length, reference in self._reads(stripe):
            found.append(Run(position, line, length, reference))
            position += length
            if position >= self.size and not reference:
                break
        if position != self.size or any(run.line < 0 or run.line + run.length > DETECTOR_SIZE for run in found):
            raise ValueError(f"stripes that give {position} lines of the detector for the {self.size} of the array")
        return tuple(found)

    def lines(self, stripe: int = 0) -> tuple[int, ...]:
        """The detector line of each line of the array."""
        return tuple(line for run in self.runs(stripe) for line in range(run.line, run.line + run.length))

    def _reads(self, stripe: int) -> Iterator[tuple[int, int, bool]]:
        """(first line, lines, whether of reference pixels), without end."""
        length = self.reads2 or self.step
        if length <= 0 or self.reads1 < 0:
            raise ValueError(f"stripes of {length} lines after {self.reads1}")
        skips = self.skips1 + self.step * stripe
        if self.reads1:
            yield self.origin, self.reads1, True
        line = self.origin + self.reads1 + skips
        yield line, length, False
        advanced = self.skips1
        while True:
            if not self.repeats:
                line += length + self.skips2
            else:
                if self.reads1:
                    yield self.origin, self.reads1, True
                advanced += self.skips2 + length
                line = self.origin + self.reads1 + (advanced if self.interleaves else skips)
            yield line, length, False


def window_of(meta: Any, stripe: int | None = None) -> Window:
    """The part of the detector that an exposure covers; that of one superstripe, or of all of them if None."""
    subarray = meta.subarray
    nominal = Window(subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize)
    pattern = StripePattern.of(meta)
    if pattern is None:
        return nominal
    along_rows = abs(subarray.slowaxis) == 2
    if stripe is None and pattern.count:
        first, size = extent(pattern, str(subarray.name))
        first = first if subarray.slowaxis > 0 else DETECTOR_SIZE - first - size
        return _bounding(nominal, along_rows, first, size)
    lines = pattern.lines(stripe or 0)
    if subarray.slowaxis < 0:
        lines = tuple(DETECTOR_SIZE - 1 - line for line in reversed(lines))
    box = _bounding(nominal, along_rows, min(lines), max(lines) + 1 - min(lines))
    return StripedWindow(
        box.xstart,
        box.ystart,
        box.xsize,
        box.ysize,
        lines=tuple(line - min(lines) for line in lines),
        along_rows=along_rows,
        packed=nominal,
    )


def extent(pattern: StripePattern, name: str) -> tuple[int, int]:
    """First line, and number of lines, of what all superstripes are put together to. ValueError as of `runs`."""
    runs = [run for stripe in range(max(pattern.count, 1)) for run in pattern.runs(stripe) if not run.reference]
    if name in WHOLE_AXIS:
        return 0, DETECTOR_SIZE
    first = min(run.line for run in runs)
    return first, max(run.line + run.length for run in runs) - first


def _bounding(nominal: Window, along_rows: bool, first: int, size: int) -> Window:
    if along_rows:
        return Window(nominal.xstart, first + 1, nominal.xsize, size)
    return Window(first + 1, nominal.ystart, size, nominal.ysize)


def _origin(slowaxis: int, start: int, name: str) -> int:
    """SUBSTRT names the line that is read first, also where lines are read towards lower indices.

    Early files have 1 there in any case, and those of NIRCam's DHS start at the edge whatever they say.
    """
    if "DHS" in name.upper() or (slowaxis < 0 and start == 1):
        return 0
    return DETECTOR_SIZE - start if slowaxis < 0 else start - 1
