"""The outputs of IRS2 readout: where they lie among the rows of a frame, and their samples in the order of time."""

from collections.abc import Callable
from typing import Any

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, accumulator_dtype
from gpipe.arrays.interleaved import BLOCK, HALF, OUTPUTS, READS
from gpipe.refpix.irs2.bad_reads import replace_reads
from gpipe.refpix.irs2.samples import in_rows, normal_counts, samples_in_time
from gpipe.refpix.orientation import Orientation


class Outputs:
    """Takes outputs out of a frame, by their number in the order of the detector, and to the place of the result.

    Parameters
    ----------
    rows : of the frame, with reference pixels.
    bad, named : bool, (output, block, read) in the order of the rows: reads to be replaced, as `replace_reads`.
    keep : whether the result has all rows, or those of normal pixels.
    native : gives a kernel for a function of `irs2_samples`, or the function.
    """

    def __init__(
        self,
        rows: int,
        orientation: Orientation,
        *,
        bad: Array | None,
        named: Array | None,
        keep: bool,
        native: Callable[[Any], Any],
    ) -> None:
        self._rows, self._orientation, self._keep = rows // OUTPUTS, orientation, keep
        self._bad, self._named = bad, named
        self._kept = self._rows if keep else self._rows // BLOCK * 2 * HALF
        self.kept_rows = self._kept * (OUTPUTS if keep else OUTPUTS - 1)
        self._samples_in_time, self._normal_counts = native(samples_in_time), native(normal_counts)

    def rows(self, output: int) -> slice:
        """Rows of the frame that an output reads."""
        place = self._place(output)
        return slice(place * self._rows, (place + 1) * self._rows)

    @property
    def rows_to_overwrite(self) -> slice:
        """Rows of the frame that may hold the result: those of an output are read before they are written to.

        Outputs are corrected in their order, the reference output first, and the result begins at its end of the frame.
        """
        start = 0 if self._orientation.fastaxis > 0 else OUTPUTS * self._rows - self.kept_rows
        return slice(start, start + self.kept_rows)

    def rows_of_result(self, output: int) -> slice:
        """Rows of the result for the `kept` samples of an output."""
        place = self._place(output)
        if not self._keep and self._orientation.fastaxis > 0:
            place -= 1  # the reference output, which is left out, was before
        return slice(place * self._kept, (place + 1) * self._kept)

    def samples(self, output: int, counts: Array, first: Array, rise: Array) -> Array:
        """See `samples_in_time`."""
        bad, named = self._to_be_replaced(output)
        which: dict[str, Any] = {"output": output, "orientation": self._orientation}
        return self._samples_in_time(counts, first, rise, bad=bad, named=named, **which)

    def kept(self, output: int, samples: Array, first: Array, rise: Array) -> Array:
        """Add the mean to the samples of an output that the result keeps: (row, column); see `normal_counts`.

        If interleaved reference pixels of the detector's outputs are kept, their mean is not added.
        """
        which: dict[str, Any] = {"output": output, "orientation": self._orientation}
        if not self._keep:
            return self._normal_counts(samples, first, rise, **which)
        xp = array_namespace(samples)
        mean = self._replaced(output, xp.astype(first, accumulator_dtype(first, xp=xp)) + rise)
        if output != 0:
            row = xp.arange(self._rows, dtype=xp.int32, device=device(mean)) % BLOCK
            mean = xp.where(((row >= HALF) & (row < HALF + READS))[:, None], 0.0, mean)
        return xp.astype(in_rows(samples, **which) + mean, first.dtype)

    def _replaced(self, output: int, x: Array) -> Array:
        """Replace bad reads. Replacing is linear, so means and differences from them are replaced in the same way."""
        bad, named = self._to_be_replaced(output)
        return x if bad is None else replace_reads(x, bad, named=named)

    def _to_be_replaced(self, output: int) -> tuple[Array | None, Array | None]:
        place = self._place(output)
        bad, named = (None if x is None else x[place, ...] for x in (self._bad, self._named))
        return bad, named

    def _place(self, output: int) -> int:
        return output if self._orientation.fastaxis > 0 else OUTPUTS - 1 - output
