"""Lines that are read several times in a frame."""

from collections.abc import Sequence

import numpy as np

from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.pixels import Pixels
from gpipe.simulate.ramp import Integration


class RepeatedIntegration(Integration):
    """Rows that are read again and again in a frame, each time with the charge that they have by then.

    The array holds all repeats; rows of two of them are the same pixels.
    """

    def __init__(self, config: ExposureConfig, pixels: Pixels, light: np.ndarray, rng: np.random.Generator):
        super().__init__(config, pixels, light, rng)
        self._repeats = _rows_of_repeats(self.shape[0], len(config.repeat_times), config.sca.slow)

    def reset(self, number: int) -> None:
        super().reset(number)
        self._pedestal = self._same_in_all(self._pedestal, self._repeats[0])

    def _collect_charge(self, seconds: float, group: int) -> np.ndarray:
        """Collect charge for all repeats of a frame; record hits in the first repeat that shows them."""
        hits, seen = [], np.empty_like(self._charge)
        self._charge = self._same_in_all(self._charge, self._repeats[-1])
        since = self._config.frame_time - seconds
        for rows, time in zip(self._repeats, self._config.repeat_times, strict=True):
            found = super()._collect_charge(time - since, group)
            hits.append(found[(found["row"] >= rows.start) & (found["row"] < rows.stop)])
            seen[rows] = self._charge[rows]
            self._charge, since = self._same_in_all(self._charge, rows), time
        self._charge = seen
        return np.concatenate(hits)

    def _same_in_all(self, values: np.ndarray, rows: slice) -> np.ndarray:
        return np.tile(values[rows], (len(self._repeats), 1))


def _rows_of_repeats(rows: int, repeats: int, slowaxis: int) -> Sequence[slice]:
    """Rows of each repeat, in the order of reading."""
    length = rows // repeats
    found = [slice(first, first + length) for first in range(0, rows, length)]
    return found if slowaxis > 0 else found[::-1]
