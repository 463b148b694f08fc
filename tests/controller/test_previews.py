"""Previews: summaries from some pixels of an exposure."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.arrays.detector import EDGE
from gpipe.backends.numpy import NumpyBackend
from gpipe.controller.declaration.work import Work
from gpipe.controller.run.chunks import Stage
from gpipe.controller.run.previews import border, brightness, has_misled, preview, sample
from gpipe.datamodels import Ramp
from gpipe.datamodels.exposures.chunks import cut
from gpipe.refpix.border import Border
from gpipe.refpix.border_pieces import border_of, border_pieces


def numbered(rows, columns):
    """A ramp in which each pixel has a number of its own."""
    data = np.arange(2 * 3 * rows * columns, dtype=np.float32).reshape(2, 3, rows, columns)
    pixeldq = np.arange(rows * columns, dtype=np.uint32).reshape(rows, columns)
    return Ramp(SimpleNamespace(), NumpyBackend(), data=data, groupdq=np.zeros(data.shape, np.uint8), pixeldq=pixeldq)


def sides(chunk, shape):
    first = chunk.rows.start, chunk.columns.start if chunk.columns else 0
    return {
        f"{name} {side}": values
        for name in ("data", "pixeldq")
        for side, values in border_pieces(getattr(chunk, name), first=first, shape=shape).items()
    }


@given(rows=st.integers(2, 40), columns=st.integers(2, 40), halo=st.integers(0, 4))
def test_a_preview_of_the_border_finds_all_of_it(rows, columns, halo):
    ramp, shape = numbered(rows, columns), (rows, columns)
    pixels = border((2, 3, *shape), halo)
    found = preview([], lambda chunk: cut(ramp, chunk), pixels, {"later": lambda chunk: sides(chunk, shape)})["later"]
    for name in ("data", "pixeldq"):
        ours = border_of({side: found[f"{name} {side}"] for side in ("bottom", "top", "left", "right")})
        theirs = Border.of(getattr(ramp, name))
        for side in ("bottom", "top", "left", "right"):
            np.testing.assert_array_equal(getattr(ours, side), getattr(theirs, side), err_msg=side, strict=True)


def test_a_preview_reads_little_of_a_large_exposure():
    chunks = border((1, 8, 2048, 2048), 2)
    pixels = sum(
        (s.with_halo.stop - s.with_halo.start) * (s.columns.with_halo.stop if s.columns else 2048) for s in chunks[:2]
    )
    assert len(chunks) == 4
    assert pixels == (EDGE + 2) * 2048 + (2048 - 2 * EDGE + 4) * (EDGE + 2)


def test_steps_before_a_preview_are_done_with_the_pixels_around_them():
    """A stage that adds the pixel at the left, as far as it has one, is right where its halo came along."""
    ramp, shape = numbered(30, 30), (30, 30)

    def add_left(chunk):
        moved = chunk.data.copy()
        moved[..., 1:] += chunk.data[..., :-1]
        return Ramp(chunk.header, chunk.backend, data=moved, groupdq=chunk.groupdq, pixeldq=chunk.pixeldq,
                    rows=chunk.rows, columns=chunk.columns)  # fmt: skip

    stage = Stage("left", Work(add_left), 1)
    summarizers = {"later": lambda chunk: sides(chunk, shape)}
    found = preview([stage], lambda chunk: cut(ramp, chunk), border(ramp.shape, 1), summarizers)["later"]
    expected = Border.of(add_left(ramp).data)
    np.testing.assert_array_equal(np.swapaxes(found["data right"], -1, -2), expected.right)
    np.testing.assert_array_equal(np.swapaxes(found["data left"], -1, -2), expected.left)


def test_a_sample_has_the_rows_of_the_brightest_pixels():
    group = np.zeros((20, 6), np.float32)
    group[[3, 7, 11, 15], [0, 5, 2, 1]] = [50, 60, 70, 80]
    group[5] = np.nan
    assert [span.own for span in sample(brightness(group))] == [slice(row, row + 1) for row in (3, 7, 11, 15)]
    assert len(sample(brightness(group[:2]))) == 2


@pytest.mark.parametrize(
    ("rows", "expected"), [([[True, True]], False), ([[True, False]], True), ([[True, True, True, True]], False)]
)
def test_a_sample_misled_where_rows_that_it_has_not_tell_otherwise(rows, expected):
    previewed, summary = {"dead": np.array([[True]])}, {"dead": np.array(rows)}
    assert has_misled(previewed, summary, NumpyBackend()) is expected
