from types import SimpleNamespace

import numpy as np
import pytest

from gpipe.datamodels import Window, window_of
from gpipe.datamodels.exposures.stripes import StripePattern, extent
from gpipe.datamodels.exposures.window import StripedWindow
from gpipe.simulate.detectors import DETECTORS
from gpipe.simulate.striped import STRIPED_SUBARRAYS, StripedSubarray

DHS = STRIPED_SUBARRAYS["NRCA1", "SUB164STRIPE4_DHS"]
SOSS = STRIPED_SUBARRAYS["NIS", "SUB204STRIPE_SOSS"]
REPEATED = STRIPED_SUBARRAYS["NRCB1", "SUB64P_SUPSTP002"]
IN_A_ROW = StripedSubarray(Window(1, 1, 2048, 22), 2, 10, 5, 3, repeats=0)


def meta(striped, name, detector):
    return SimpleNamespace(subarray=SimpleNamespace(**striped.keywords(name, DETECTORS[detector])))


def dhs_lines():
    """One line of reference pixels, then 40 lines: four times, the readout skipping what it has read."""
    lines = []
    for stripe in range(4):
        lines += [0, *range(1 + 1526 + stripe * 125, 1 + 1526 + stripe * 125 + 40)]
    return tuple(lines)


def test_lines_of_interleaved_stripes():
    assert StripePattern.of(meta(DHS, "SUB164STRIPE4_DHS", "NRCA1")).lines() == dhs_lines()


def test_lines_of_superstripes():
    pattern = StripePattern.of(meta(SOSS, "SUB204STRIPE_SOSS", "NIS"))
    assert pattern.lines(3) == (0, 1, 2, 3, *range(4 + 3 * 204, 4 + 4 * 204))
    assert extent(pattern, "SUB204STRIPE_SOSS") == (0, 2048)
    assert extent(pattern, "OTHER") == (4, 2040)


def test_lines_that_are_read_again_in_a_frame():
    pattern = StripePattern.of(meta(REPEATED, "SUB64P_SUPSTP002", "NRCB1"))
    assert pattern.lines(5) == (2, 2 + 1 + 165 + 5) * 4


def test_lines_of_stripes_one_after_the_other():
    pattern = StripePattern.of(meta(IN_A_ROW, "SUB", "NRCA1"))
    assert pattern.lines() == (0, 1, *range(12, 17), *range(20, 25), *range(28, 33), *range(36, 41))


def test_an_ordinary_subarray_has_no_pattern():
    plain = SimpleNamespace(subarray=SimpleNamespace(xstart=3, ystart=4, xsize=10, ysize=20))
    assert StripePattern.of(plain) is None
    assert window_of(plain) == Window(3, 4, 10, 20)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"reads2": 39}, "for the 164 of the array"),
        ({"skips1": 2040}, "for the 164 of the array"),
        ({"reads2": 0}, "stripes of 0 lines"),
    ],
)
def test_keywords_that_do_not_fill_the_array(changed, match):
    striped = StripedSubarray(**{**vars(DHS), **changed})
    with pytest.raises(ValueError, match=match):
        StripePattern.of(meta(striped, "SUB164STRIPE4_DHS", "NRCA1")).lines()


def test_rows_of_a_window_come_from_all_over_the_detector():
    window = window_of(meta(DHS, "SUB164STRIPE4_DHS", "NRCA1"))
    assert isinstance(window, StripedWindow)
    rows = np.arange(2048)[:, None] + np.zeros((1, 3))
    rectangle = rows[window.ystart - 1 : window.ystart - 1 + window.ysize]
    np.testing.assert_array_equal(window.arrange(rectangle)[:, 0], dhs_lines())


def test_columns_are_counted_backwards_where_they_are_read_so():
    described = meta(SOSS, "SUB204STRIPE_SOSS", "NIS")
    window = window_of(described, 2)
    columns = np.arange(2048) + np.zeros((2, 1))
    found = window.arrange(columns[:, window.xstart - 1 : window.xstart - 1 + window.xsize])[0]
    first = 2047 - (4 + 2 * 204)
    np.testing.assert_array_equal(found, [*range(first - 203, first + 1), 2044, 2045, 2046, 2047])
    assert window_of(described) == Window(1, 1793, 2048, 256)
