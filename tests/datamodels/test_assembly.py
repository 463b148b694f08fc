"""Exposures that are put together of parts, and given out in others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Ramp
from gpipe.datamodels.assembly import Assembly, Shelves
from gpipe.datamodels.parts import cut, spans
from gpipe.datamodels.scratch import mapped_array, release_workspace

ROWS, COLUMNS = 23, 5
ARRAYS = ("data", "groupdq", "pixeldq", "zeroframe")


def ramp():
    rng = np.random.default_rng(7)
    return Ramp(
        None,
        NumpyBackend(),
        data=rng.normal(size=(2, 3, ROWS, COLUMNS)).astype(np.float32),
        groupdq=rng.integers(0, 256, (2, 3, ROWS, COLUMNS), np.uint8),
        pixeldq=rng.integers(0, 1 << 32, (ROWS, COLUMNS), np.uint32),
        zeroframe=rng.normal(size=(2, ROWS, COLUMNS)).astype(np.float32),
    )


def on_shelves(exposure, length, shelf, **options):
    assembly = Assembly(ROWS, by_rows=True, shelf=shelf, **options)
    for span in reversed(spans(ROWS, length)):
        assembly.add(span, [cut(exposure, span)])
    (made,) = assembly.whole()
    return made


def assert_same(found, expected):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name, strict=True)


@given(
    length=st.integers(1, ROWS),
    parts=st.integers(1, 4),
    other_length=st.integers(1, ROWS),
    reach=st.integers(0, 3),
    on_disk=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_what_shelves_give_is_what_was_put_there(length, parts, other_length, reach, on_disk, order):
    exposure = ramp()
    made = on_shelves(exposure, length, length * parts, on_disk=on_disk)
    if length * parts >= ROWS:
        assert_same(made, exposure)
        return
    assert isinstance(made, Shelves)
    assert made.shape == exposure.shape
    wanted = spans(ROWS, other_length, reach=reach)
    order.shuffle(wanted)
    take = made.lend(wanted)
    for span in wanted:
        found = take(span)
        assert found.rows == span.outer
        assert_same(found, cut(exposure, span))
        assert all(type(getattr(found, name)) is np.ndarray for name in ARRAYS)
        assert found.data.flags.c_contiguous


def test_a_piece_goes_when_nobody_will_ask_for_its_rows_again():
    made = on_shelves(ramp(), 4, 8)
    wanted = spans(ROWS, 6, reach=1)
    take, left = made.lend(wanted), []
    for span in wanted:
        take(span)
        left.append([piece is not None for piece in made.pieces])
    # Rows 0-6, 5-12, 11-18 and 17-22 of pieces that begin with rows 0, 8 and 16.
    assert left == [[True, True, True], [False, True, True], [False, False, True], [False, False, False]]


@pytest.mark.parametrize("grows", [False, True])
def test_wholes_are_the_same_whether_their_memory_grows(grows):
    exposure = ramp()
    assembly = Assembly(ROWS, by_rows=True, grows=grows)
    for span in spans(ROWS, 5):
        assembly.add(span, [cut(exposure, span)])
    (whole,) = assembly.whole()
    assert_same(whole, exposure)
    assert whole.data.flags.writeable


def test_arrays_that_are_as_they_were_are_not_copied():
    exposure = ramp()
    assembly = Assembly(ROWS, by_rows=True, stored=exposure, kept=["groupdq"])
    for span in spans(ROWS, 5):
        part = cut(exposure, span)
        assembly.add(span, [replace(part, data=part.data + 1)])
    (whole,) = assembly.whole()
    assert whole.groupdq is exposure.groupdq
    np.testing.assert_array_equal(whole.data, exposure.data + 1)


@pytest.mark.parametrize("huge", [False, True])
def test_mapped_arrays_are_zeros_that_can_be_written_to(huge):
    found = mapped_array((3, 4), np.uint16, huge=huge)
    assert found.shape == (3, 4)
    assert found.dtype == np.uint16
    assert not found.any()
    found[1:, 2] = 7
    assert found.sum() == 14


def test_releasing_workspace_leaves_arrays_as_they_are():
    found = [np.full(1000, number) for number in range(100)]
    del found[::2]
    release_workspace()
    assert [int(x[0]) for x in found] == list(range(1, 100, 2))
