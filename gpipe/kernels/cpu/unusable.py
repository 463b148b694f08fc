"""``gpipe.arrays.unusable.unusable_rows``. Nearly all rows are told by their first pixel."""

import numpy as np

from gpipe import dq


def unusable_rows(groupdq: np.ndarray) -> np.ndarray:
    """See ``gpipe.arrays.unusable.unusable_rows``."""
    found = (groupdq[..., 0] & dq.DO_NOT_USE) != 0
    found[found] = np.all(groupdq[found] & dq.DO_NOT_USE, axis=-1)
    return found
