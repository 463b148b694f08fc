"""IRS2 readout in the order of time: what each output sends, pixel time by pixel time.

An output steps out to the reference pixels and back, each of which takes a pixel time, and rests at the end of a row. A
row of the detector frame is thus 32 blocks of 8 normal pixels, a gap, 4 reference pixels, a gap and 8 normal pixels,
then 8 pixel times without a read: 712 in all. A frame is a sequence of 2048 times 712 (`Rauscher et al. 2017
<https://doi.org/10.1088/1538-3873/aa83fd>`_).
"""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.interleaved import BLOCK, HALF, READS
from gpipe.arrays.rows import row_slices

STEP = BLOCK + 2
"""Pixel times of a block."""
REST = 8
"""Pixel times at the end of a row."""
HELD = (0, 2, 0, 2, 1, 3, 1, 3)
"""The reads of reference pixels that a `reference_stream` holds, from the last normal pixel before them on."""
NORMAL_BEFORE, REFERENCE, NORMAL_AFTER = slice(0, HALF), slice(HALF, HALF + READS), slice(HALF + READS, BLOCK)


def row_length(pixels: int) -> int:
    """Pixel times of a row of an output that reads so many pixels, reference pixels counted."""
    return pixels // BLOCK * STEP + REST


def in_time_order(output: int, samples: Array) -> Array:
    """Samples of an output, (…, row, pixel) of the detector frame, in the order of time, and back.

    The even outputs are read towards lower columns and turned round.
    """
    return array_namespace(samples).flip(samples, axis=-1) if output % 2 == 0 else samples


def with_gaps(samples: Array) -> Array:
    """Put every sample in its time, with zeros between: (…, row, pixel) to (…, row and time)."""
    xp = array_namespace(samples)
    blocks = xp.reshape(samples, (*samples.shape[:-1], -1, BLOCK))
    gap = xp.zeros_like(blocks[..., :1])
    parts = [blocks[..., NORMAL_BEFORE], gap, blocks[..., REFERENCE], gap, blocks[..., NORMAL_AFTER]]
    return _as_stream(xp.concat(parts, axis=-1))


def without_gaps(stream: Array, rows: int) -> Array:
    """The samples at the times of reads: the inverse of `with_gaps`."""
    xp = array_namespace(stream)
    lines = xp.reshape(stream, (*stream.shape[:-1], rows, -1))[..., :-REST]
    blocks = xp.reshape(lines, (*lines.shape[:-1], -1, STEP))
    parts = [blocks[..., :HALF], blocks[..., HALF + 1 : HALF + 1 + READS], blocks[..., HALF + 2 + READS :]]
    return xp.reshape(xp.concat(parts, axis=-1), (*lines.shape[:-1], -1))


def reference_stream(samples: Array) -> Array:
    """The reference pixels alone, in time, zeros everywhere else: (…, row, pixel) to (…, row and time).

    A block has two reference pixels, each read twice: a a b b. The stream holds them twice as long, a b a b a b a b
    by way of their reads 0 2 0 2 1 3 1 3, from the last normal pixel before to the first after them, so that neither
    the difference of the two pixels nor the time of reading shifts the phase.
    """
    xp = array_namespace(samples)
    *lead, pixels = samples.shape
    lines = xp.zeros((*lead, row_length(pixels)), dtype=samples.dtype, device=device(samples))
    for part in row_slices(lines):
        for late, read in enumerate(HELD):
            lines[..., part, HALF - 1 + late : -REST : STEP] = samples[..., part, HALF + read :: BLOCK]
    return xp.reshape(lines, (*lead[:-1], -1))


def without_noise(samples: Array, stream: Array) -> Array:
    """Samples (row, pixel) less those of a stream, (row and time), at the same times."""
    xp = array_namespace(samples, stream)
    time = row_length(samples.shape[1])
    clean = xp.empty_like(samples)
    for rows in row_slices(samples):
        noise = without_gaps(stream[time * rows.start : time * rows.stop], rows.stop - rows.start)
        clean[rows, :] = samples[rows, :] - noise
    return clean


def times(like: Array) -> Array:
    """Pixel times from the middle of the frame at which samples are read: (row, pixel), of ``like``'s dtype."""
    xp = array_namespace(like)
    rows, pixels = like.shape[-2:]
    total = rows * row_length(pixels)
    stream = xp.arange(total, dtype=like.dtype, device=device(like)) - (total - 1) / 2
    return without_gaps(stream, rows)


def _as_stream(blocks: Array) -> Array:
    """(…, row, block, time of the block) to (…, row and time), with the rest at the end of each row."""
    xp = array_namespace(blocks)
    lines = xp.reshape(blocks, (*blocks.shape[:-2], -1))
    rest = xp.zeros((*lines.shape[:-1], REST), dtype=lines.dtype, device=device(lines))
    return xp.reshape(xp.concat([lines, rest], axis=-1), (*lines.shape[:-2], -1))
