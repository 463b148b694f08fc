"""Exposures that are put together of chunks."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Ramp, Rate
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import arrays_of, chunks_of, cut, map_arrays, trim, with_separate_arrays

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


def assert_same(found, expected):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name, strict=True)


@given(
    length=st.integers(1, ROWS), halo=st.integers(0, 3), on_disk=st.booleans(), order=st.randoms(use_true_random=False)
)
def test_chunks_put_together_are_the_whole(length, halo, on_disk, order):
    exposure = ramp()
    assembly = Assembly(ROWS, by_rows=True, on_disk=on_disk)
    pieces = chunks_of(ROWS, length, halo=halo)
    order.shuffle(pieces)
    for span in pieces:
        assembly.add(span, [trim(cut(exposure, span), span.core)])
    (whole,) = assembly.whole()
    assert_same(whole, exposure)
    assert whole.rows is None
    assert all(type(getattr(whole, name)) is np.ndarray for name in ARRAYS)


def test_arrays_that_are_as_they_were_are_not_copied():
    exposure = ramp()
    assembly = Assembly(ROWS, by_rows=True, stored=exposure, unchanged=["groupdq"])
    for span in chunks_of(ROWS, 5):
        chunk = cut(exposure, span)
        assembly.add(span, [replace(chunk, data=chunk.data + 1)])
    (whole,) = assembly.whole()
    assert whole.groupdq is exposure.groupdq
    np.testing.assert_array_equal(whole.data, exposure.data + 1)


def rates(shared):
    rng = np.random.default_rng(8)
    planes = rng.normal(size=(5, 1, ROWS, COLUMNS)).astype(np.float32)
    names = ("data", "dq", "err", "var_poisson", "var_rnoise")
    of_integration = Rate(None, NumpyBackend(), **dict(zip(names, planes, strict=True)), shared=shared)
    return map_arrays(replace(of_integration, shared=()), lambda _, x: x[0]), of_integration


def test_what_an_only_integration_shares_is_held_once_until_somebody_may_write_to_it():
    expected = rates(("data", "dq"))
    assembly = Assembly(ROWS, by_rows=True)
    for span in chunks_of(ROWS, 5):
        assembly.add(span, [map_arrays(rate, lambda _, x, rows=span.own: x[..., rows, :]) for rate in expected])
    found = assembly.whole()
    alone = with_separate_arrays(found)
    for name, values in arrays_of(expected[1]):
        np.testing.assert_array_equal(getattr(found[1], name), values, strict=True)
        np.testing.assert_array_equal(getattr(alone[1], name), values, strict=True)
        assert np.shares_memory(getattr(found[0], name), getattr(found[1], name)) == (name in ("data", "dq"))
        assert not np.shares_memory(getattr(found[0], name), getattr(alone[1], name))
    assert alone[0] is found[0]
