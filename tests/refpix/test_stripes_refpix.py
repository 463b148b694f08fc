import numpy as np
import pytest

import gpipe.dq as dq
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.settings import DriftSettings
from gpipe.refpix.stripes import correct_stripes

LINES = (0, 700, 701, 702, 0, 900, 901, 2046)
AT = Orientation(-1, 2, first_row=0, first_column=500)


def stripes(rng):
    """Columns 500 to 530 of the detector, in the detector frame: the first twelve in amplifier A."""
    data = rng.normal(10, 1, (2, 2, len(LINES), 31)).astype(np.float32)
    pixeldq = np.zeros((len(LINES), 31), np.uint32)
    pixeldq[[0, 4, 7]] = dq.REFERENCE_PIXEL
    pixeldq[4, 20] |= dq.DO_NOT_USE
    pixeldq[2, 7] = dq.REFERENCE_PIXEL  # the detector has none there
    return data, pixeldq


def science(x):
    return np.flip(x, axis=-1)


@pytest.mark.parametrize("odd_even_columns", [True, False])
def test_each_amplifier_loses_the_mean_of_its_reference_pixels(library, rng, odd_even_columns):
    data, pixeldq = stripes(rng)
    out = library.run(
        correct_stripes,
        np.ascontiguousarray(science(data)),
        np.ascontiguousarray(science(pixeldq)),
        orientation=AT,
        settings=DriftSettings(odd_even_columns=odd_even_columns, siglimit=20.0),
        lines=LINES,
    )
    assert out.dtype == np.float32
    expected = data.copy()
    step = 2 if odd_even_columns else 1
    for columns in (range(12), range(12, 31)):
        for kind in range(step):
            chosen = [c for c in columns if c % step == kind]
            values = [data[..., row, c] for row in (0, 4, 7) for c in chosen if not pixeldq[row, c] & dq.DO_NOT_USE]
            expected[..., chosen] -= np.mean(values, axis=0)[..., None, None]
    np.testing.assert_allclose(science(out), expected, rtol=1e-4, atol=1e-4)


def test_an_amplifier_without_reference_pixels_stays(library, rng):
    data, pixeldq = stripes(rng)
    pixeldq[:, 1:12:2] |= dq.DO_NOT_USE
    out = library.run(
        correct_stripes,
        np.ascontiguousarray(science(data)),
        np.ascontiguousarray(science(pixeldq)),
        orientation=AT,
        lines=LINES,
    )
    np.testing.assert_array_equal(science(out)[..., :12], data[..., :12])
    assert np.all(science(out)[..., 12:] != data[..., 12:])


def test_side_columns_count_in_every_line(library, rng):
    data = rng.normal(5, 1, (1, 1, 3, 8)).astype(np.float32)
    pixeldq = np.full((3, 8), dq.REFERENCE_PIXEL, np.uint32)
    together = DriftSettings(odd_even_columns=False)
    out = library.run(correct_stripes, data, pixeldq, Orientation(1, 2), together, lines=(50, 51, 52))
    np.testing.assert_allclose(out, data - data[..., :4].mean(), rtol=1e-4, atol=1e-5)
