import numpy as np
import pytest

from gpipe.arrays.interleaved import (
    is_interleaved,
    normal_rows,
    own_rows,
    reference_reads,
    rows_around,
    science_rows,
    with_normal_rows,
    with_reference_reads,
    with_science_rows,
)


def numbers_of_normal_rows(blocks, reference_first):
    """Numbers of the normal rows, counted one by one: 8 normal, 4 reference and 8 normal pixels in a block."""
    per_output = 20 * blocks
    rows = [row for row in range(per_output, 5 * per_output) if not 8 <= row % 20 < 12]
    return rows if reference_first else [5 * per_output - 1 - row for row in reversed(rows)]


@pytest.mark.parametrize("reference_first", [True, False])
@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_normal_rows_are_found_and_put_back(library, rng, reference_first, lead):
    frame = rng.normal(0, 1, (*lead, 200, 5)).astype(np.float32)
    rows = numbers_of_normal_rows(2, reference_first)
    found = library.run(science_rows, frame, reference_first=reference_first)
    np.testing.assert_array_equal(found, frame[..., rows, :])
    expected = frame.copy()
    expected[..., rows, :] = 7
    back = library.run(with_science_rows, frame, np.full_like(found, 7), reference_first=reference_first)
    np.testing.assert_array_equal(back, expected)


@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_normal_rows_of_some_blocks_are_found_and_put_back(library, rng, lead):
    part = rng.normal(0, 1, (*lead, 60, 5)).astype(np.float32)
    rows = [row for row in range(60) if not 8 <= row % 20 < 12]
    found = library.run(normal_rows, part)
    np.testing.assert_array_equal(found, part[..., rows, :])
    expected = part.copy()
    expected[..., rows, :] = 7
    np.testing.assert_array_equal(library.run(with_normal_rows, part, np.full_like(found, 7)), expected)


def test_reference_reads_are_found_and_put_back(library, rng):
    frame = rng.integers(0, 9, (200, 3)).astype(np.uint32)
    rows = [row for row in range(200) if 8 <= row % 20 < 12]
    reads = library.run(reference_reads, frame)
    assert reads.shape == (5, 2, 4, 3)
    np.testing.assert_array_equal(reads.reshape(-1, 3), frame[rows])
    expected = frame.copy()
    expected[rows] = 11
    np.testing.assert_array_equal(library.run(with_reference_reads, frame, np.full_like(reads, 11)), expected)


def test_the_rows_of_a_frame_are_normal_and_reference_in_the_known_numbers():
    assert len(numbers_of_normal_rows(32, True)) == 2048
    assert science_rows(np.zeros((3200, 1)), reference_first=True).shape == (2048, 1)
    assert is_interleaved((1, 1, 3200, 2048))
    assert not is_interleaved((1, 1, 2048, 2048))


def test_other_numbers_of_rows_are_refused():
    with pytest.raises(ValueError, match="multiple of 100 rows, found 150"):
        science_rows(np.zeros((150, 2)), reference_first=True)


@pytest.mark.parametrize("reference_first", [True, False])
@pytest.mark.parametrize("length", [7, 300, 3200])
def test_rows_of_a_frame_have_their_share_of_the_outputs(reference_first, length):
    normal = numbers_of_normal_rows(32, reference_first)
    for start in range(0, 3200, length):
        rows = slice(start, min(start + length, 3200))
        found = own_rows(rows, reference_first=reference_first)
        expected = [row for row in normal if rows.start <= row < rows.stop]
        assert [start + place for place in found.places] == expected == normal[found.normal]


@pytest.mark.parametrize("reach", [0, 1, 2, 8, 16, 17, 40])
def test_rows_around_hold_the_neighbours(reach):
    normal = numbers_of_normal_rows(32, reference_first=True)
    around = rows_around(reach, (1, 1, 3200, 2048))
    apart = [normal[k + reach] - normal[k] for k in range(len(normal) - reach)]
    assert max(apart) <= around
    assert rows_around(reach, (1, 1, 2048, 2048)) == reach
