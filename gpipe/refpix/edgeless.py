"""Subarrays that reach no edge of the detector; dark pixels replace their reference pixels."""

from array_api_compat import array_namespace, device

import gpipe.dq as dq
from gpipe.arrays import Array
from gpipe.arrays.detector import EDGE

# NIRSpec bright-object subarrays whose first and last four columns see no light.
EDGELESS_SUBARRAYS = ("SUB512", "SUB512S", "SUB32")


def assign_reference_columns(pixeldq: Array) -> Array:
    """Set REFERENCE_PIXEL in the first and last four columns.

    Parameters
    ----------
    pixeldq : uint32, (row, column), science frame.
    """
    xp = array_namespace(pixeldq)
    columns = pixeldq.shape[-1]
    index = xp.arange(columns, dtype=xp.int32, device=device(pixeldq))
    outer = (index < EDGE) | (index >= columns - EDGE)
    return xp.where(outer, pixeldq | dq.REFERENCE_PIXEL, pixeldq)
