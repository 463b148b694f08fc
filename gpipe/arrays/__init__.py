"""Functions that the steps need and the array API standard lacks: NaN reductions, neighbours, row blocks.

Everything here takes arrays of any array-API library and returns arrays of the same library on the same device.
"""

from gpipe.arrays.blocks import map_row_blocks
from gpipe.arrays.nan import nanmedian
from gpipe.arrays.precision import accumulator_dtype
from gpipe.arrays.types import Array, Namespace

__all__ = ["Array", "Namespace", "accumulator_dtype", "map_row_blocks", "nanmedian"]
