import numpy as np
import pytest

from gpipe.arrays import map_row_blocks
from gpipe.arrays.blocks import for_each, in_waves


def total_and_double(cube, image):
    return cube[0, ...] + image, 2 * cube


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("block_rows", [1, 4, 7, 100])
def test_result_does_not_depend_on_blocks(library, rng, block_rows, workers):
    cube = rng.normal(size=(3, 7, 5)).astype(np.float32)
    image = rng.normal(size=(7, 5)).astype(np.float32)
    total, double = library.run(
        lambda c, i: map_row_blocks(total_and_double, c, i, block_rows=block_rows, workers=workers), cube, image
    )
    np.testing.assert_array_equal(total, cube[0] + image)
    np.testing.assert_array_equal(double, 2 * cube)


def test_absent_arrays_stay_absent():
    def only_first(x, nothing):
        assert nothing is None
        return (x,)

    (out,) = map_row_blocks(only_first, np.ones((4, 2)), None, block_rows=3)
    assert out.shape == (4, 2)


def test_errors_of_the_function_come_through():
    def fails(x):
        raise ValueError("row problem")

    with pytest.raises(ValueError, match="row problem"):
        map_row_blocks(fails, np.ones((4, 2)), block_rows=1, workers=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_is_done_and_errors_come_through(workers):
    done = []
    for_each(done.append, range(5), workers=workers)
    assert sorted(done) == list(range(5))
    with pytest.raises(ZeroDivisionError):
        for_each(lambda x: 1 / x, (1, 0), workers=workers)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_items_are_done_in_waves_that_are_asked_for_one_by_one(workers):
    done = []
    waves = in_waves(lambda item: done.append(item) or -item, range(5), workers=workers)
    assert next(waves) == (0, 0)
    assert sorted(done) == list(range(min(workers, 5)))
    assert list(waves) == [(item, -item) for item in range(1, 5)]
