import logging
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdatamodels.dynamicdq import dynamic_mask
from stdatamodels.jwst.datamodels import dqflags

from gpipe.datamodels.references.dq_def import Translation

DTYPE = [("BIT", "i4"), ("VALUE", "u4"), ("NAME", "U40"), ("DESCRIPTION", "U80")]


def definitions(pairs):
    return np.array([(bit, 1 << bit, name, "") for bit, name in pairs], dtype=DTYPE)


@given(
    st.lists(st.tuples(st.integers(0, 31), st.sampled_from(sorted(dqflags.pixel))), min_size=1, max_size=8),
    st.sampled_from([1 << 6, 1 << 19, 1 << 32]),
    st.integers(0, 2**32 - 1),
)
def test_every_table_is_read_as_stdatamodels_does(pairs, largest, seed):
    own = np.random.default_rng(seed).integers(0, largest, (5, 7), dtype=np.uint32)
    table = definitions(pairs)
    expected = dynamic_mask(SimpleNamespace(dq=own, dq_def=table), dqflags.pixel)
    out = Translation(table, "mask.fits")(own)
    assert out.dtype == np.uint32
    np.testing.assert_array_equal(out, expected)


def test_without_definitions_the_flags_are_those_of_jwst_already():
    own = np.array([[1, 2**31]], dtype=np.uint32)
    np.testing.assert_array_equal(Translation(definitions([]), "mask.fits")(own), own)


def test_a_flag_that_jwst_does_not_have_is_named_and_ignored(caplog):
    out = Translation(definitions([(0, "DO_NOT_USE"), (1, "PINK")]), "mask.fits")(np.array([3], np.uint32))
    assert out.tolist() == [1]
    assert caplog.record_tuples == [
        (
            "gpipe.datamodels.references.dq_def",
            logging.WARNING,
            "mask.fits: DQ_DEF defines 'PINK', which is not a flag of JWST; ignored",
        )
    ]


def test_the_flags_given_are_not_written_to():
    own = np.array([1, 2], np.uint32)
    own.flags.writeable = False
    assert Translation(definitions([(1, "HOT")]), "mask.fits")(own).tolist() == [0, dqflags.pixel["HOT"]]


@pytest.mark.parametrize("shape", [(0,), (0, 5)])
def test_empty_arrays(shape):
    assert Translation(definitions([(0, "HOT")]), "mask.fits")(np.zeros(shape, np.uint32)).shape == shape


def test_a_file_with_the_bits_of_jwst():
    names = ["DO_NOT_USE", "HOT", "NO_LIN_CORR"]
    table = np.array([(0, dqflags.pixel[name], name, "") for name in names], dtype=DTYPE)
    own = np.random.default_rng(1).integers(0, 1 << 32, 100, dtype=np.uint32)
    expected = own & np.uint32(sum(dqflags.pixel[name] for name in names))
    np.testing.assert_array_equal(Translation(table, "mask.fits")(own), expected)


def test_the_table_is_complained_about_once(caplog):
    translation = Translation(definitions([(1, "PINK")]), "mask.fits")
    for _ in range(3):
        translation(np.array([3], np.uint32))
    assert len(caplog.records) == 1
