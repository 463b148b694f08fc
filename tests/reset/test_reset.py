from types import SimpleNamespace

import numpy as np
import pytest
from helpers.stub_exposures import StubReference, ramp, references
from hypothesis import given
from hypothesis import strategies as st

from gpipe import dq
from gpipe.arrays.planes import KnownPlanes, fill_gaps, with_unknown
from gpipe.reset import ResetStep
from gpipe.reset.reset_sub import subtract_reset


def subtract(data, pixeldq, reset, reset_dq):
    known = [KnownPlanes.packed(fill_gaps(reset[i, ...])) for i in range(reset.shape[0])]
    flags = with_unknown(reset_dq, known, dq.UNRELIABLE_BIAS)
    return subtract_reset(data, pixeldq, [each.planes for each in known], flags)


@pytest.mark.parametrize(("shape", "groups"), [((2, 5, 4, 3), 3), ((3, 2, 1, 6), 2), ((1, 1, 3, 3), 1)])
def test_against_a_loop(library, rng, shape, groups):
    data = rng.normal(1000, 50, shape).astype(np.float32)
    data[0, 0, 0, 0] = np.nan
    reset = rng.normal(0, 9, (shape[0], groups, *shape[2:])).astype(np.float32)
    reset[-1, -1, 0, 1], reset[0, 0, 0, 2] = np.nan, -np.inf
    pixeldq = rng.integers(0, 8, shape[2:]).astype(np.uint32)
    reset_dq = np.full(shape[2:], dq.HOT, np.uint32)
    expected = data.copy()
    for i, g, y, x in np.ndindex(reset.shape):
        expected[i, g, y, x] -= 0 if np.isnan(reset[i, g, y, x]) else reset[i, g, y, x]
    out = library.run(subtract, data, pixeldq, reset, reset_dq)
    assert (out.data.dtype, out.pixeldq.dtype) == (np.float32, np.uint32)
    np.testing.assert_array_equal(out.data, expected)
    unknown = (~np.isfinite(reset)).any(axis=(0, 1))
    np.testing.assert_array_equal(out.pixeldq, pixeldq | reset_dq | np.where(unknown, dq.UNRELIABLE_BIAS, 0))


def test_resets_of_another_number_of_integrations_are_an_error():
    data, flags = np.zeros((2, 3, 2, 2), np.float32), np.zeros((2, 2), np.uint32)
    with pytest.raises(ValueError, match="1 integrations for data of 2"):
        subtract(data, flags, np.zeros((1, 3, 2, 2), np.float32), flags)


@given(st.integers(-1000, 1000))
def test_what_is_added_to_data_and_reset_goes(extra):
    data, flags = np.zeros((1, 2, 1, 1), np.float32), np.zeros((1, 1), np.uint32)
    out = subtract(data + np.float32(extra), flags, np.full((1, 2, 1, 1), extra, np.float32), flags)
    np.testing.assert_array_equal(out.data, data)


def reference(nints=3, ngroups=4, *, said=(None, None)):
    """The anomaly of integration i, group g, both counted from 1, is 10 i + g."""
    values = 10.0 * np.arange(1, nints + 1)[:, None] + np.arange(1, ngroups + 1)
    data = np.broadcast_to(values[..., None, None], (nints, ngroups, 4, 5)).astype(np.float32)
    meta = SimpleNamespace(exposure=SimpleNamespace(nints=said[0], ngroups=said[1]))
    return references(reset=StubReference(meta=meta, data=data, dq=np.full((4, 5), dq.HOT, np.uint32)))


def subtracted(reset, *, nints=1, ngroups=6, **meta):
    exposure = ramp(np.zeros((nints, ngroups, 4, 5), np.float32), instrument="MIRI", **meta)
    out = ResetStep().apply(exposure, reset)
    assert out.groupdq is exposure.groupdq
    np.testing.assert_array_equal(out.pixeldq, np.full((4, 5), dq.HOT))
    assert (out.data == out.data[..., :1, :1]).all()
    return (-out.data[..., 0, 0]).tolist()


def test_integrations_after_those_of_the_reference_take_its_last():
    first = [[n + 1, n + 2, n + 3, n + 4, 0, 0] for n in (10, 20, 30, 30, 30)]
    assert subtracted(reference(), nints=5) == first


def test_an_anomaly_that_is_unknown_in_a_group_that_is_used_is_told_in_the_flags():
    unknown = reference()
    anomaly = unknown["reset"].read("data").copy()
    anomaly[0, 1, 2, 3] = anomaly[0, 3, 0, 0] = anomaly[2, 0, 1, 1] = np.nan
    unknown = references(reset=StubReference(meta=unknown["reset"].meta, data=anomaly, dq=np.zeros((4, 5), np.uint32)))
    out = ResetStep().apply(ramp(np.zeros((2, 3, 4, 5), np.float32), instrument="MIRI"), unknown)
    assert np.argwhere(out.pixeldq).tolist() == [[2, 3]]
    assert out.pixeldq[2, 3] == dq.UNRELIABLE_BIAS
    np.testing.assert_array_equal(out.data[0, :, 2, 3], [-11, 0, -13])


def test_the_reference_may_have_more_than_the_exposure():
    assert subtracted(reference(), nints=2, ngroups=3) == [[11, 12, 13], [21, 22, 23]]


@pytest.mark.parametrize(("start", "expected"), [(1, [11, 21]), (2, [21, 31]), (3, [31, 31]), (40, [31, 31])])
def test_segments_of_an_exposure_know_their_integrations(start, expected):
    assert [i[0] for i in subtracted(reference(), nints=2, integration_start=start)] == expected


def test_the_header_of_the_reference_says_how_much_of_it_counts():
    assert subtracted(reference(said=(1, 2)), nints=2, ngroups=3) == [[11, 12, 0], [11, 12, 0]]
    assert subtracted(reference(said=(9, 9)), nints=1) == [[11, 12, 13, 14, 0, 0]]


@pytest.mark.parametrize(("instrument", "wanted"), [("MIRI", True), ("NIRCAM", False)])
def test_it_is_for_miri_only(instrument, wanted):
    assert ResetStep().is_for(ramp(np.zeros((1, 3, 4, 5), np.float32), instrument=instrument).meta) == wanted
