"""The outputs of IRS2 readout: where they lie among the rows of a frame, and their samples in the order of time."""

from collections.abc import Callable, Iterator

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.interleaved import BLOCK, HALF, OUTPUTS, READS, normal_rows
from gpipe.arrays.rows import row_slices
from gpipe.refpix.irs2_bad_reads import replace_reads
from gpipe.refpix.irs2_streams import in_time_order
from gpipe.refpix.orientation import Orientation

TRANSPOSED_AT_ONCE = 1 << 16
"""Pixels: of more rows, which lie a power of two apart, the cache could not hold a line each."""


class Outputs:
    """Takes outputs out of a frame, by their number in the order of the detector, and to the place of the result.

    Parameters
    ----------
    rows : of the frame, with reference pixels.
    bad, named : bool, (output, block, read) in the order of the rows: reads to be replaced, as `replace_reads`.
    keep : whether the result has all rows, or those of normal pixels.
    """

    def __init__(self, rows: int, orientation: Orientation, *, bad: Array | None, named: Array | None, keep: bool):
        self._rows, self._orientation, self._keep = rows // OUTPUTS, orientation, keep
        self._bad, self._named = bad, named
        self._kept = self._rows if keep else self._rows // BLOCK * 2 * HALF
        self.kept_rows = self._kept * (OUTPUTS if keep else OUTPUTS - 1)

    def rows(self, output: int) -> slice:
        """Of the frame."""
        place = self._place(output)
        return slice(place * self._rows, (place + 1) * self._rows)

    def rows_of_result(self, output: int, rows: slice) -> slice:
        """For what is `kept` of these rows of an output."""
        place = self._place(output)
        if not self._keep and self._orientation.fastaxis > 0:
            place -= 1  # the reference output, which is left out, was before
        start, stop = (place * self._kept + row * self._kept // self._rows for row in (rows.start, rows.stop))
        return slice(start, stop)

    def replaced(self, output: int, x: Array) -> Array:
        """(row, column) of an output without bad reads. Linear: to be done to means and differences from them alike."""
        if self._bad is None:
            return x
        place = self._place(output)
        return replace_reads(x, self._bad[place, ...], named=None if self._named is None else self._named[place, ...])

    def in_time(self, output: int, x: Array) -> Array:
        """(row, column) of an output to (detector row, pixel) in the order of time, with 0 for NaN."""
        xp = array_namespace(x)
        turned = in_time_order(output, self._orientation.to_detector(x, xp=xp))
        samples = xp.empty(turned.shape, dtype=x.dtype, device=device(x))  # in this order in memory too
        for pixels in row_slices(x, pixels=TRANSPOSED_AT_ONCE):
            few = turned[:, pixels]
            samples[:, pixels] = xp.where(xp.isnan(few), 0.0, few)
        return samples

    def kept(self, output: int, samples: Array) -> Iterator[tuple[slice, Array]]:
        """What the result has of (detector row, pixel) in the order of time: rows of the output, and (row, column)."""
        frame = self._orientation.to_science(in_time_order(output, samples), xp=array_namespace(samples))
        if self._keep:
            yield slice(0, self._rows), frame
            return
        for blocks in row_slices(frame[::BLOCK, :], pixels=TRANSPOSED_AT_ONCE // BLOCK):
            rows = slice(BLOCK * blocks.start, BLOCK * blocks.stop)
            yield rows, normal_rows(frame[rows, :])

    def level(self, output: int, rows: slice, mean: Callable[[slice], Array]) -> Array:
        """What is added to the result: the mean, but to interleaved reference pixels of the detector's outputs nothing.

        Parameters
        ----------
        rows : of the output, as `kept` gives them.
        mean : over the groups, (row, column), of rows of the frame.
        """
        first = self.rows(output).start
        own = mean(slice(first + rows.start, first + rows.stop))
        return self._level_with_reads(output, own) if self._keep else normal_rows(own)

    def _level_with_reads(self, output: int, mean: Array) -> Array:
        xp, mean = array_namespace(mean), self.replaced(output, mean)
        if output == 0:
            return mean
        row = xp.arange(self._rows, dtype=xp.int32, device=device(mean)) % BLOCK
        return xp.where(((row >= HALF) & (row < HALF + READS))[:, None], 0.0, mean)

    def _place(self, output: int) -> int:
        return output if self._orientation.fastaxis > 0 else OUTPUTS - 1 - output
