import numpy as np
import pytest

from gpipe.arrays.rows import CACHED_PIXELS, row_slices, widen


@pytest.mark.parametrize(("rows", "columns", "pixels"), [(10, 4, 12), (10, 4, 1), (7, 5, 1000), (1, 1, 1)])
def test_slices_cover_every_row_once_in_order(rows, columns, pixels):
    slices = list(row_slices(np.empty((2, rows, columns)), pixels=pixels))
    assert [r for s in slices for r in range(s.start, s.stop)] == list(range(rows))
    assert all((s.stop - s.start) * columns <= max(pixels, columns) for s in slices)


def test_host_arrays_are_cut_to_the_cache():
    rows = CACHED_PIXELS // 2048 * 3
    assert len(list(row_slices(np.empty((rows, 2048), dtype=np.uint8)))) == 3


def test_device_arrays_are_not_cut(library):
    sliced = {"count": 0}

    def count(x):
        sliced["count"] = len(list(row_slices(x)))
        sliced["host"] = isinstance(x, np.ndarray)

    library.run(count, np.empty((CACHED_PIXELS // 2048 * 3, 2048), dtype=np.uint8))
    assert sliced["count"] == (3 if sliced["host"] else 1)


@pytest.mark.parametrize("reach", [0, 1, 4])
def test_widened_slices_stay_inside_and_say_where_the_middle_is(reach):
    x = np.arange(10)
    for rows in row_slices(x[:, None], pixels=3):
        around, middle = widen(rows, reach, 10)
        np.testing.assert_array_equal(x[around][middle], x[rows])
        assert x[around][0] == max(0, rows.start - reach)
        assert x[around][-1] == min(9, rows.stop - 1 + reach)
