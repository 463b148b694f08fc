"""When MIRI reads each pixel, and at which phase of an interference that is."""

import math
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, accumulator_dtype

CLOCK = 1e-5
"""Seconds between two samples of an output."""
OUTPUTS = 4
"""Outputs that read neighbouring columns at the same time."""
_DETECTOR_ROWS = 1024
_CLOCKS_OF_ROWS_LEFT_OUT = 7
_LAST_REFERENCE_COLUMN = 258
_REFERENCE_COLUMN_DELAY = 3


@dataclass(frozen=True)
class Clocks:
    """Clocks from row to row, and in the frame that is reset between integrations; a clock takes 10 microseconds."""

    row: int
    frame: int


@dataclass(frozen=True, kw_only=True)
class Readout:
    """Readout of an exposure. Times are in clocks of 10 microseconds, phases in cycles from 0 to 1.

    Attributes
    ----------
    shape : (integration, group, row, column); four columns are read at once.
    clocks : of the subarray and the read pattern.
    samples : clocks for a pixel: 1 in fast readout, 9 in slow.
    resets : True if a frame is read between two integrations.
    late_column : True if the last column of each output holds reference pixels, which are read three clocks late.
    """

    shape: tuple[int, int, int, int]
    clocks: Clocks
    samples: int
    resets: bool
    late_column: bool = False

    @property
    def frame(self) -> int:
        """Clocks from group to group."""
        rows = self.shape[2]
        return rows * self.clocks.row + (_DETECTOR_ROWS - rows) * _CLOCKS_OF_ROWS_LEFT_OUT

    @property
    def integration(self) -> int:
        """Clocks from integration to integration."""
        return self.shape[1] * self.frame + (self.clocks.frame if self.resets else 0)

    def group_phases(self, period: float) -> list[float]:
        """Phase of the first pixel of each group, from that of the integration; ``period`` in clocks."""
        return [_cycle(group * self.frame, period) for group in range(self.shape[1])]

    def integration_phases(self, period: float) -> list[float]:
        """Phase of the first pixel of each integration."""
        return [_cycle(number * self.integration, period) for number in range(self.shape[0])]

    def pixel_phases(self, period: float, like: Array) -> Array:
        """Phase of each pixel from the first one of its frame, (row, column / 4), on the device of ``like``.

        Phases of rows and columns are reduced to one cycle before they become numbers of an array, so that float32 is
        enough where there is no float64.
        """
        xp = array_namespace(like)
        rows, columns = self.shape[2], self.shape[3] // OUTPUTS
        times = [column * self.samples for column in range(columns)]
        if self.late_column:
            times[-1] += _REFERENCE_COLUMN_DELAY
        of_rows = [_cycle(row * self.clocks.row, period) for row in range(rows)]
        of_columns = [_cycle(time, period) for time in times]
        dtype, place = accumulator_dtype(like, xp=xp), device(like)
        return within_cycle(
            xp.asarray(of_rows, dtype=dtype, device=place)[:, None]
            + xp.asarray(of_columns, dtype=dtype, device=place)[None, :]
        )


def period_of(frequency: float) -> float:
    """Clocks in a cycle of an interference, Hz."""
    return 1.0 / frequency / CLOCK


def has_late_column(first_column: int, columns: int) -> bool:
    """Tell whether a window ends with the right reference pixels of the detector; its first column counts from 1."""
    return columns // OUTPUTS + first_column - 1 == _LAST_REFERENCE_COLUMN


def within_cycle(phase: Array) -> Array:
    """Phases from 0 to 1."""
    xp = array_namespace(phase)
    return phase - xp.floor(phase)


def add_outputs(x: Array) -> Array:
    """Sum of the columns that are read at the same time: (…, column) becomes (…, column / 4)."""
    return sum((x[..., output::OUTPUTS] for output in range(1, OUTPUTS)), start=x[..., ::OUTPUTS])


def _cycle(clocks: int, period: float) -> float:
    return math.fmod(clocks / period, 1.0)
