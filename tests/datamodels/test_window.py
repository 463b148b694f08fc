import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.datamodels import Window, full_frame

windows = st.builds(Window, st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))


@given(windows, windows)
def test_cutting_by_slices_takes_the_pixels_of_the_window(inner, outer):
    columns, rows = np.meshgrid(np.arange(1, 16), np.arange(1, 16))
    whole = 100 * rows + columns
    covered = whole[
        outer.ystart - 1 : outer.ystart - 1 + outer.ysize, outer.xstart - 1 : outer.xstart - 1 + outer.xsize
    ]
    wanted = whole[inner.ystart - 1 : inner.ystart - 1 + inner.ysize, inner.xstart - 1 : inner.xstart - 1 + inner.xsize]
    assert inner.inside(outer) == bool(np.isin(wanted, covered).all())
    if inner.inside(outer):
        np.testing.assert_array_equal(covered[inner.slices_in(outer)], wanted)


@pytest.mark.parametrize(("name", "size"), [("NIRCAM", (2048, 2048)), ("miri ", (1032, 1024)), ("fgs", (2048, 2048))])
def test_detectors(name, size):
    frame = full_frame(name)
    assert frame is not None
    assert (frame.xstart, frame.ystart, frame.xsize, frame.ysize) == (1, 1, *size)


def test_no_other_telescope():
    assert full_frame("WFC3") is None


def test_a_window_is_said_by_its_first_and_last_pixels():
    assert str(Window(101, 201, 12, 16)) == "columns 101-112, rows 201-216"
