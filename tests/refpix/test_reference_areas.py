import array_api_compat
import numpy as np
import pytest

import gpipe.dq as dq
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.reference_areas import area


def run(data, pixeldq, rows, columns, at):
    return area(data, pixeldq, rows, columns, at, xp=array_api_compat.array_namespace(data))


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ((0, 4), (0, 20)),
        ((10, 14), (3, 9)),
        ((0, 20), (0, 4)),
        ((12, 30), (8, 11)),
        ((5, 9), (6, 8)),
        ((90, 94), (0, 9)),
    ],
)
def test_what_the_array_does_not_cover_is_nan(library, rng, rows, columns):
    data = rng.normal(size=(2, 3, 8, 6)).astype(np.float32)
    pixeldq = np.zeros((8, 6), np.uint32)
    pixeldq[2, 3] = dq.DO_NOT_USE | dq.REFERENCE_PIXEL
    detector = np.full((2, 3, 100, 100), np.nan, np.float32)
    detector[..., 5:13, 4:10] = np.where(pixeldq & dq.DO_NOT_USE, np.nan, data)
    out = library.run(run, data, pixeldq, rows, columns, Orientation(1, 2, first_row=5, first_column=4))
    np.testing.assert_array_equal(out, detector[..., slice(*rows), slice(*columns)])
