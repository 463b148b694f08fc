"""Rows of NIRSpec IRS2 readout, in which reference pixels are read between the normal ones.

Five outputs lie side by side along the fast read direction (science rows): first, in the order of the detector, the
reference output, which sees no pixel, then the four of the detector. Each is a sequence of blocks of 8 normal, 4
reference and 8 normal pixels. The pattern is the same read from either end, so that only the place of the reference
output depends on the direction. Axes are (…, row, column); a frame of 2048 normal rows has 3200.
https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache

from array_api_compat import array_namespace

from gpipe.arrays.types import Array

OUTPUTS = 5
HALF, READS = 8, 4
"""Normal pixels on each side of the reference pixels of a block, and these."""
BLOCK = 2 * HALF + READS
FRAME_ROWS = 3200


def is_interleaved(shape: tuple[int, ...]) -> bool:
    """Tell whether arrays of this shape hold the reference pixels of IRS2 readout."""
    return shape[-2] == FRAME_ROWS


def rows_around(halo: int, shape: tuple[int, ...]) -> int:
    """Rows among which a row of arrays of this shape has as many neighbours on each side as a step looks at.

    Reference pixels that are read between two normal ones do not part them.
    """
    return halo + READS * -(-halo // (2 * HALF)) if is_interleaved(shape) else halo


@dataclass(frozen=True)
class OwnRows:
    """Normal pixels of the detector's outputs among some rows of a frame.

    Attributes
    ----------
    places : their indices among these rows, from 0.
    normal : their indices among all rows of normal pixels.
    """

    places: tuple[int, ...]
    normal: slice


def own_rows(rows: slice, *, total: int = FRAME_ROWS, reference_first: bool) -> OwnRows:
    """Find the normal pixels among some rows of a frame of ``total`` rows."""
    all_normal = _normal_of_outputs(total, reference_first)
    start, stop = (bisect_left(all_normal, row) for row in (rows.start, rows.stop))
    return OwnRows(tuple(row - rows.start for row in all_normal[start:stop]), slice(start, stop))


@cache
def _normal_of_outputs(total: int, reference_first: bool) -> list[int]:
    output = total // OUTPUTS
    begin, end = (output, total) if reference_first else (0, total - output)
    return [row for row in range(begin, end) if not HALF <= (row - begin) % BLOCK < HALF + READS]


def science_rows(x: Array, *, reference_first: bool) -> Array:
    """The rows of normal pixels, of the four outputs of the detector.

    Parameters
    ----------
    x : (…, row, column), a multiple of 100 rows.
    reference_first : whether the reference output has the first rows (FASTAXIS > 0), or the last.
    """
    return _normal(_own_outputs(_blocks(x), reference_first), x)


def normal_rows(x: Array) -> Array:
    """The rows of normal pixels among those of whole blocks, (…, row, column); a block is 20 rows."""
    xp = array_namespace(x)
    return _normal(xp.reshape(x, (*x.shape[:-2], -1, BLOCK, x.shape[-1])), x)


def with_normal_rows(x: Array, normal: Array) -> Array:
    """``x`` with other rows of normal pixels; the inverse of `normal_rows`."""
    xp = array_namespace(x, normal)
    blocks = xp.reshape(x, (*x.shape[:-2], -1, BLOCK, x.shape[-1]))
    return xp.reshape(_joined(blocks, normal), x.shape)


def with_science_rows(x: Array, normal: Array, *, reference_first: bool) -> Array:
    """``x`` with other rows of normal pixels; the inverse of `science_rows`."""
    xp = array_namespace(x, normal)
    blocks = _blocks(x)
    own = _own_outputs(blocks, reference_first)
    joined = _joined(own, normal)
    parts = [blocks[..., :1, :, :, :], joined] if reference_first else [joined, blocks[..., -1:, :, :, :]]
    return xp.reshape(xp.concat(parts, axis=-4), x.shape)


def reference_reads(x: Array) -> Array:
    """Return the reads in the place of reference pixels, of all outputs: (…, output, block, read, column)."""
    return _blocks(x)[..., HALF : HALF + READS, :]


def with_reference_reads(x: Array, reads: Array) -> Array:
    """``x`` with other values in the place of reference pixels; the inverse of `reference_reads`."""
    return array_namespace(x).reshape(with_reads(_blocks(x), reads), x.shape)


def with_reads(blocks: Array, reads: Array) -> Array:
    """Blocks (…, row of the block, column) with other values in the place of reference pixels."""
    xp = array_namespace(blocks, reads)
    return xp.concat([blocks[..., :HALF, :], reads, blocks[..., HALF + READS :, :]], axis=-2)


def _blocks(x: Array) -> Array:
    """(…, row, column) to (…, output, block, row of the block, column)."""
    xp = array_namespace(x)
    rows, columns = x.shape[-2:]
    if rows % (OUTPUTS * BLOCK):
        raise ValueError(f"IRS2 readout has a multiple of {OUTPUTS * BLOCK} rows, found {rows}")
    return xp.reshape(x, (*x.shape[:-2], OUTPUTS, rows // (OUTPUTS * BLOCK), BLOCK, columns))


def _normal(blocks: Array, like: Array) -> Array:
    """Blocks of ``like`` (…, row, column) to rows, without their reference pixels."""
    xp = array_namespace(blocks)
    normal = xp.concat([blocks[..., :HALF, :], blocks[..., HALF + READS :, :]], axis=-2)
    return xp.reshape(normal, (*like.shape[:-2], -1, like.shape[-1]))


def _joined(blocks: Array, normal: Array) -> Array:
    """Blocks with other normal pixels."""
    xp = array_namespace(blocks)
    new = xp.reshape(normal, (*blocks.shape[:-2], 2 * HALF, blocks.shape[-1]))
    return xp.concat([new[..., :HALF, :], blocks[..., HALF : HALF + READS, :], new[..., HALF:, :]], axis=-2)


def _own_outputs(blocks: Array, reference_first: bool) -> Array:
    return blocks[..., 1:, :, :, :] if reference_first else blocks[..., :-1, :, :, :]
