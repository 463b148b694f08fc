"""The borders of an exposure's arrays, with the reference pixels, gathered from its chunks."""

from collections.abc import Mapping
from typing import Any

from gpipe.arrays import Array
from gpipe.datamodels import Ramp
from gpipe.datamodels.exposures.instruments import is_irs2, is_miri
from gpipe.datamodels.exposures.stripes import StripePattern
from gpipe.refpix.border import Border
from gpipe.refpix.border_pieces import border_of, border_pieces
from gpipe.refpix.edgeless import EDGELESS_SUBARRAYS

BORDERS, SIDES = ("data", "pixeldq", "zeroframe"), ("bottom", "top", "left", "right")
"""Arrays whose border is read, and the sides of a border."""


def shows_all_in_border(meta: Any) -> bool:
    """Tell whether the reference pixels of an exposure are those of its border, in rows and columns of the detector."""
    edgeless = meta.subarray.name in EDGELESS_SUBARRAYS and not is_miri(meta)
    return not (is_irs2(meta) or edgeless or StripePattern.of(meta) is not None)


def summarize_borders(chunk: Ramp) -> dict[str, Array]:
    """Gather what a chunk has of the borders."""
    first = first_row(chunk), chunk.columns.start if chunk.columns else 0
    where = {"first": first, "shape": (chunk.meta.subarray.ysize, chunk.meta.subarray.xsize)}
    arrays = {name: getattr(chunk, name) for name in BORDERS if getattr(chunk, name) is not None}
    return {
        f"{name} {side}": values for name, x in arrays.items() for side, values in border_pieces(x, **where).items()
    }


def borders_in(summary: Mapping[str, Any]) -> dict[str, Border]:
    """The borders of whole arrays, by the name of the array, from `summarize_borders` of all chunks."""
    names = [name for name in BORDERS if f"{name} left" in summary]
    return {name: border_of({side: summary[f"{name} {side}"] for side in SIDES}) for name in names}


def first_row(chunk: Ramp) -> int:
    """The row of the exposure that a chunk begins with."""
    return chunk.rows.start if chunk.rows else 0
