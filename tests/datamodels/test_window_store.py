"""Windows of one grid: bands against a plain stack of whole grids."""

import tracemalloc

import numpy as np
import pytest
from helpers.strict_backend import StrictBackend
from hypothesis import given
from hypothesis import strategies as st

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.datamodels.exposures.groups.window_store import WindowStore

GRID = (11, 9)


@st.composite
def windows(draw):
    """Origins and sizes of windows of the grid."""
    rows, columns = (draw(st.integers(1, size)) for size in GRID)
    origin = (draw(st.integers(0, GRID[0] - rows)), draw(st.integers(0, GRID[1] - columns)))
    return origin, (rows, columns)


@given(
    found=st.lists(windows(), max_size=5),
    rows=st.integers(1, GRID[0] + 1),
    storage=st.sampled_from(Storage),
    backend=st.sampled_from([NumpyBackend(), StrictBackend()]),
    order=st.randoms(use_true_random=False),
)
def test_bands_are_those_of_a_stack_of_whole_grids(found, rows, storage, backend, order):
    store, stack = WindowStore(GRID, backend, storage), np.full((len(found), *GRID), np.nan, np.float32)
    numbers = list(range(len(found)))
    order.shuffle(numbers)
    for number in numbers:
        (row, column), shape = found[number]
        image = np.random.default_rng(number).normal(size=shape).astype(np.float32)
        stack[number, row : row + shape[0], column : column + shape[1]] = image
        store.put(f"{number}", (row, column), backend.to_device(image))
    bands = list(store.bands(rows))
    assert len(bands) == -(-GRID[0] // rows)
    for number, band in enumerate(bands):
        expected = stack[:, number * rows : (number + 1) * rows]
        reach = [
            k
            for k, ((row, _), (height, _)) in enumerate(found)
            if row < (number + 1) * rows and row + height > number * rows
        ]
        np.testing.assert_array_equal(backend.to_host(band), expected[reach], strict=True)


def test_a_median_of_bands_takes_the_memory_of_bands():
    backend, shape = NumpyBackend(), (600, 500)
    store = WindowStore((shape[0] + 8, shape[1]), backend, Storage.DISK)
    images = [np.random.default_rng(number).normal(size=shape).astype(np.float32) for number in range(8)]
    for number, image in enumerate(images):
        store.put(f"{number}", (number, 0), image)
    expected = np.median([image[300 - number] for number, image in enumerate(images)], axis=0)
    tracemalloc.start()
    medians = [np.median(band[:, 0], axis=0) for band in store.bands(20)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(medians[15], expected)
    assert peak < 8 * images[0].nbytes / 10


@pytest.mark.parametrize(
    ("origin", "shape"), [((-1, 0), (2, 2)), ((0, -1), (2, 2)), ((10, 0), (2, 2)), ((0, 8), (2, 2))]
)
def test_a_window_that_leaves_the_grid_is_refused(origin, shape):
    with pytest.raises(ValueError, match=r"window a: .* expected a part of a grid of \(11, 9\)"):
        WindowStore(GRID, NumpyBackend(), Storage.HOST).put("a", origin, np.zeros(shape, np.float32))


def test_windows_of_another_type_and_second_ones_of_a_key_are_refused():
    store = WindowStore(GRID, NumpyBackend(), Storage.HOST)
    with pytest.raises(ValueError, match="found float64; expected float32"):
        store.put("a", (0, 0), np.zeros((2, 2)))
    store.put("a", (0, 0), np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="found a second one"):
        store.put("a", (1, 1), np.ones((2, 2), np.float32))
    assert (next(store.bands(1))[0, 0, :2] == 0).all()
