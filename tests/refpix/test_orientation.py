import numpy as np
import pytest

from gpipe.refpix.orientation import Orientation

AXES = [(1, 2), (-1, 2), (1, -2), (-1, -2), (2, 1), (-2, 1), (2, -1), (-2, -1)]


def transform(x, orientation, direction):
    import array_api_compat

    return getattr(orientation, direction)(x, xp=array_api_compat.array_namespace(x))


@pytest.mark.parametrize(("fastaxis", "slowaxis"), AXES)
def test_detector_columns_follow_the_fast_axis(library, fastaxis, slowaxis):
    """Pixels are numbered in the order in which they are read."""
    column, row = np.meshgrid(np.arange(5), np.arange(3))
    along = {1: column, -1: 4 - column, 2: row, -2: 2 - row}
    fast, slow = along[fastaxis], along[slowaxis]
    read = (slow * (fast.max() + 1) + fast).astype(np.int32)
    detector = library.run(transform, read, Orientation(fastaxis, slowaxis), "to_detector")
    np.testing.assert_array_equal(detector, np.arange(15).reshape(detector.shape))


@pytest.mark.parametrize("axes", AXES)
def test_there_and_back(library, axes):
    x = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    detector = library.run(transform, x, Orientation(*axes), "to_detector")
    np.testing.assert_array_equal(library.run(transform, detector, Orientation(*axes), "to_science"), x)


@pytest.mark.parametrize("axes", AXES)
def test_corner_of_a_window_is_where_its_first_pixel_is_on_the_detector(axes):
    detector = np.zeros((2048, 2048), bool)
    detector[99:131, 199:249] = True  # science rows 100-131, columns 200-249
    rows, columns = np.nonzero(transform(detector, Orientation(*axes), "to_detector"))
    orientation = Orientation.of_window(*axes, xstart=200, ystart=100, xsize=50, ysize=32)
    assert (orientation.first_row, orientation.first_column) == (rows.min(), columns.min())


@pytest.mark.parametrize("axes", [(1, 1), (0, 2), (3, 1), (None, 2), (-2, 2)])
def test_axes_that_are_no_pair_are_an_error(axes):
    with pytest.raises(ValueError, match="FASTAXIS"):
        Orientation.of_window(*axes, xstart=1, ystart=1, xsize=64, ysize=64)
