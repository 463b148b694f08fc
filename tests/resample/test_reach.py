"""Rows of an exposure that reach a band of the grid: never too few."""

import numpy as np
import pytest

from gpipe.coordinates.chebyshev import Rectangle
from gpipe.coordinates.pixel_map import pixel_map
from gpipe.resample.reach_host import reach_of

BOX = Rectangle(0, 199, 5, 304)


def turned(angle, scale=1.0):
    def transform(x, y):
        u, v = x - 100, y - 150
        bent = v + 2e-4 * u * u
        return (
            300 + scale * (np.cos(angle) * u - np.sin(angle) * bent),
            300 + scale * (np.sin(angle) * u + np.cos(angle) * bent),
        )

    return transform


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2, 2.8])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_all_rows_with_light_in_a_band_are_found(angle, scale):
    found = pixel_map(turned(angle, scale), BOX)
    rows = found.band(5, 305)[1]
    for first, end in ((200, 230), (290, 300), (340, 341), (0, 1000)):
        within = np.flatnonzero(((rows > first - 2) & (rows < end + 1)).any(1)) + 5
        reached = reach_of(found).rows(first, end, 1.5)
        if len(within):
            assert reached.start <= within[0]
            assert reached.stop > within[-1]


def test_few_rows_are_found_for_a_narrow_band():
    reached = reach_of(pixel_map(turned(0.0), BOX)).rows(300, 310, 1.0)
    assert reached.stop - reached.start <= 3 * 32


def test_no_rows_are_found_beside_the_exposure():
    assert reach_of(pixel_map(turned(0.0), BOX)).rows(2000, 2100, 1.0) is None


def test_an_exposure_without_a_place_reaches_nothing():
    nowhere = pixel_map(lambda x, y: (x * np.nan, y * np.nan), BOX)
    assert reach_of(nowhere).rows(0, 1000, 1.0) is None
    empty = pixel_map(turned(0.0), Rectangle(0, 9, 5, 4))
    assert reach_of(empty).rows(0, 1000, 1.0) is None
