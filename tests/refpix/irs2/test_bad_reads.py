import numpy as np
import pytest

import gpipe.dq as dq
from gpipe.refpix.irs2.bad_reads import find_bad_reads, flag_reads, reads_of_table, replace_reads

BLOCKS = 16


def clipped(values, limit):
    values = np.asarray(values, float)
    for _ in range(5):
        middle, spread = np.median(values), values.std()
        values = values[(values >= middle - limit * spread) & (values <= middle + limit * spread)]
    return values.mean(), values.std()


def slow_find(data, pixeldq, limit):
    """Rows that are bad, by the definition, pair by pair."""
    rows = data.shape[-2]
    known = {row for row in range(rows) if 8 <= row % 20 < 12 and (pixeldq[row] & dq.BAD_REF_PIXEL).any()}
    bad = set(known)
    for counts in data.astype(float):
        for output in range(5):
            first = [
                row
                for row in range(output * rows // 5, (output + 1) * rows // 5)
                if row % 20 in (8, 10) and not {row, row + 1} & known
            ]
            for figure in (
                lambda x: np.abs(x[:, 1] - x[:, 0]).mean(),
                np.mean,
                np.std,
            ):
                values = [figure(counts[:, row : row + 2]) for row in first]
                mean, std = clipped(values, limit)
                bad |= {
                    r for row, v in zip(first, values, strict=True) if v - mean > limit * std for r in (row, row + 1)
                }
    return bad


def as_rows(bad):
    output, block, read = np.nonzero(bad)
    return set((20 * (output * bad.shape[1] + block) + 8 + read).tolist())


@pytest.fixture
def frames(rng):
    data = rng.normal(100, 5, (2, 3, 100 * BLOCKS, 6)).astype(np.float32)
    data[0, :, 48:50] += 400  # high
    data[1, :, 410] += rng.normal(0, 300, (3, 6))  # unlike its second read
    data[:, :, 730:732] += rng.normal(0, 100, (2, 3, 1, 6))  # noisy
    pixeldq = np.zeros(data.shape[-2:], np.uint32)
    pixeldq[1009, 2] = dq.BAD_REF_PIXEL
    pixeldq[1000, 2] = dq.BAD_REF_PIXEL  # a normal pixel is none of our business
    return data, pixeldq


@pytest.mark.parametrize("limit", [2.0, 3.0, 5.0])
def test_outstanding_reads_are_those_of_a_loop(library, frames, limit):
    bad = library.run(find_bad_reads, *frames, limit=limit)
    assert bad.dtype == bool
    assert as_rows(bad) == slow_find(*frames, limit)
    if limit == 3.0:
        assert {48, 49, 410, 411, 730, 731, 1009} <= as_rows(bad)


def test_nan_and_flags_everywhere_are_no_reason_to_flag_others(library, rng):
    data = rng.normal(0, 1, (1, 2, 400, 4)).astype(np.float32)
    data[0, 0, 9, 1] = np.nan
    pixeldq = np.zeros((400, 4), np.uint32)
    pixeldq[80:160] = dq.BAD_REF_PIXEL
    bad = library.run(find_bad_reads, data, pixeldq, limit=50.0)
    assert as_rows(bad) == {row for row in range(80, 160) if 8 <= row % 20 < 12}


def test_flags_go_to_whole_rows(library, frames):
    bad = np.zeros((5, BLOCKS, 4), bool)
    bad[2, 1, 3] = True
    row = 2 * 20 * BLOCKS + 20 + 11
    flagged = library.run(flag_reads, frames[1], bad)
    expected = frames[1].copy()
    expected[row] |= dq.BAD_REF_PIXEL | dq.DO_NOT_USE
    np.testing.assert_array_equal(flagged, expected)


def slow_replace(plane, bad, due=None):
    out = plane.copy()
    blocks = bad.shape[1]
    for output, block, read in np.argwhere(bad if due is None else due):
        row = 20 * (output * blocks + block) + 8 + read
        near = [b for b in (block - 1, block + 1) if 0 <= b < blocks and not bad[output, b, read]]
        other = (read + 2) % 4
        if near:
            out[row] = np.mean([plane[20 * (output * blocks + b) + 8 + read] for b in near], axis=0)
        elif not bad[output, block, other]:
            out[row] = plane[20 * (output * blocks + block) + 8 + other]
        else:
            out[row] = 0
    return out


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_replacements_are_those_of_a_loop(library, rng, share):
    plane = rng.normal(0, 5, (400, 3)).astype(np.float32)
    bad = rng.random((5, 4, 4)) < share
    np.testing.assert_allclose(library.run(replace_reads, plane, bad), slow_replace(plane, bad), rtol=1e-6)


def test_named_reads_come_after_those_that_stand_out(library, rng):
    plane = rng.normal(0, 5, (400, 3)).astype(np.float32)
    bad, named = rng.random((2, 5, 4, 4)) < 0.3
    first = slow_replace(plane, bad)
    expected = slow_replace(first, bad | named, named & ~bad)
    np.testing.assert_allclose(library.run(replace_reads, plane, bad, named=named), expected, rtol=1e-6)


def test_table_counts_blocks_along_columns_and_pixels_in_the_order_of_reading():
    bad = np.array(reads_of_table([(1, 1, 0b101), (2, 1, 0b10), (4, 2, 1 << 31), (3, 2, 1), (3, 1, 0)], 32))
    assert {tuple(int(i) for i in where) for where in np.argwhere(bad)} == {
        (1, 0, 0), (1, 0, 1), (1, 2, 0), (1, 2, 1),  # odd outputs are read towards higher columns
        (2, 1, 2), (2, 1, 3),  # even ones towards lower
        (4, 31, 0), (4, 31, 1),
        (3, 0, 2), (3, 0, 3),
    }  # fmt: skip
