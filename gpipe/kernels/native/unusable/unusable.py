"""``gpipe.arrays.unusable.unusable_rows``. For nearly all rows the first pixels decide."""

import numpy as np

from gpipe.kernels.native.arguments import Function, array, contiguous_rows, output

_unusable_rows = Function(
    "unusable_rows",
    groupdq=array(np.uint8, "integrations groups rows columns", is_strided=True),
    found=output(np.bool_, "integrations groups rows"),
)


def unusable_rows(groupdq: np.ndarray) -> np.ndarray:
    """See ``gpipe.arrays.unusable.unusable_rows``."""
    found = np.empty(groupdq.shape[:-1], np.bool_)
    _unusable_rows(contiguous_rows(groupdq), found)
    return found
