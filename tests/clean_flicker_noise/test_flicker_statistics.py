from functools import partial

import numpy as np
import pytest

from gpipe.clean_flicker_noise import statistics
from gpipe.clean_flicker_noise.statistics import image_statistics


def leave_gaps(mesh):
    return mesh


def scene(rng, shape=(64, 96), row_slope=0.01, column_slope=-0.02):
    row, column = np.mgrid[: shape[0], : shape[1]]
    image = 5 + row_slope * row + column_slope * column + rng.normal(0, 0.2, shape)
    image[10:16, 20:30] += 100
    image[0, 0] = np.nan
    return image.astype(np.float32)


def statistics_of(library, image, **given):
    return library.run(partial(image_statistics, fill_gaps=leave_gaps, **given), image)


def test_slopes_along_the_axis_that_stripes_do_not_touch(library, rng):
    along_rows = statistics_of(library, scene(rng), axis=1)
    np.testing.assert_allclose(along_rows.column_slope, -0.02, atol=2e-3)
    along_columns = statistics_of(library, scene(rng), axis=0)
    np.testing.assert_allclose(along_columns.row_slope, 0.01, atol=2e-3)
    assert along_rows.masked.shape == (1,)
    assert 60 / 6144 < along_rows.masked[0] < 0.2
    assert along_rows.channel_offset == 0


def test_scatter_is_that_of_a_profile_without_its_slope(library, rng):
    image = scene(rng)
    image[40:60] += np.where(np.arange(96) % 2, 0.5, -0.5).astype(np.float32)
    found = statistics_of(library, image, axis=1, scatter_rows=(41 / 64, 59 / 64))
    assert 0.4 < found.scatter[0] < 0.6
    assert statistics_of(library, image, axis=1, scatter_rows=(0.3, 0.6)).scatter < 0.2


@pytest.mark.parametrize("axis", [0, 1])
def test_steps_between_channels(library, rng, monkeypatch, axis):
    monkeypatch.setattr(statistics, "DETECTOR_SIZE", 64)
    monkeypatch.setattr(statistics, "CHANNEL", 16)
    image = rng.normal(5, 0.05, (64, 64)).astype(np.float32)
    levels = np.repeat(np.float32([0, 0.02, 0.22, 0.21]), 16)
    image += levels if axis == 1 else levels[:, None]
    found = statistics_of(library, image, axis=axis)
    np.testing.assert_allclose(found.channel_offset, 0.2, atol=0.02)
