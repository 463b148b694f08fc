import numpy as np
import pytest
from helpers.stub_exposures import StubReference, ramp, references

from gpipe import dq
from gpipe.arrays.interleaved import rows_around
from gpipe.datamodels.exposures.chunks import chunks_of, cut, trim
from gpipe.exceptions import ParameterError
from gpipe.saturation import SaturationStep

SHAPE = (1, 3, 5, 6)


def thresholds(level=50000.0):
    return StubReference(data=np.full(SHAPE[-2:], level, np.float32), dq=np.zeros(SHAPE[-2:], np.uint32))


def bias(level):
    return StubReference(data=np.full(SHAPE[-2:], level, np.float32))


def exposure(values, **meta):
    data = np.ones(SHAPE, dtype=np.float32)
    data[0, :, 2, 2] = values
    return ramp(data, **meta)


def flags(step, values, superbias=None, **meta):
    out = step.apply(exposure(values, **meta), references(saturation=thresholds(), superbias=superbias))
    return out.groupdq[0, :, 2, 2].tolist()


@pytest.mark.parametrize(("grow", "count"), [(0, 1), (1, 9), (2, 25)])
def test_spill(grow, count):
    step = SaturationStep(n_pix_grow_sat=grow)
    out = step.apply(exposure([1, 1, 60000]), references(saturation=thresholds(), superbias=None))
    assert np.count_nonzero(out.groupdq[0, 2] & dq.SATURATED) == count


def test_frame_averages_are_looked_into_unless_told_not_to():
    values = [11000, 30000, 60000]
    late = [0, dq.DO_NOT_USE, dq.SATURATED]
    assert flags(SaturationStep(), values, bias(2000), nframes=4) == late
    assert flags(SaturationStep(), values, None, nframes=4) == [0, 0, dq.SATURATED]
    assert flags(SaturationStep(use_readpatt=False), values, bias(2000), nframes=4) == [0, 0, dq.SATURATED]
    assert flags(SaturationStep(), values, bias(2000), nframes=1) == [0, 0, dq.SATURATED]


@pytest.mark.parametrize(
    ("nframes", "parameters", "halo"),
    [
        (1, {}, 1),
        (4, {}, 2),
        (4, {"use_readpatt": False}, 1),
        (4, {"n_pix_grow_sat": 3}, 6),
        (1, {"n_pix_grow_sat": 0}, 0),
    ],
)
def test_flags_spread_twice_only_where_groups_average_frames(nframes, parameters, halo):
    """A pixel that saturates late moves flags as far as that, and no further."""
    shape = (1, 5, 21, 21)
    data = np.full(shape, 1000.0, np.float32)
    data[0, 3:, 10, 10] = 65000
    data[0, 2, :, :] = 45000
    level = StubReference(data=np.full(shape[-2:], 50000.0, np.float32), dq=np.zeros(shape[-2:], np.uint32))
    step = SaturationStep(**parameters)
    given = ramp(data, nframes=nframes)
    found = step.apply(given, references(saturation=level, superbias=None)).groupdq
    distance = np.abs(np.argwhere(found != 0)[:, -2:] - 10).max()
    assert distance == halo == step.halo(given.meta, references())


@pytest.mark.parametrize(
    ("values", "found"),
    [([0, 1, 60000], {"saturated": 9, "at the converter's floor": 1}), ([1, 1, 1], {"saturated": 0})],
)
def test_what_it_found(values, found):
    given, files = exposure(values), references(saturation=thresholds(), superbias=None)
    work = SaturationStep().begin(given, files, {})
    counts = {name: int(rows.sum()) for name, rows in work.apply(given).counts.items()}
    assert work.end(counts) == found


def test_zeroframe_goes_through():
    zeroframe = np.full((1, 5, 6), 60000, dtype=np.float32)
    out = SaturationStep().apply(
        ramp(np.ones(SHAPE, np.float32), zeroframe=zeroframe), references(saturation=thresholds(), superbias=None)
    )
    assert (out.zeroframe == 0).all()


def test_what_it_does_not_have_is_refused():
    with pytest.raises(ParameterError, match="n_pix_grow_sat"):
        SaturationStep(n_pix_grow_sat=-1)


@pytest.mark.parametrize("by_frames", [True, False])
def test_irs2_readout_has_thresholds_of_normal_pixels_only(by_frames):
    shape = (1, 3, 3200, 4)
    data = np.ones(shape, np.float32)
    data[0, :, 640 + 7, 1] = 2500, 30000, 60000
    data[0, :, 640 + 9, 1] = 60000  # a reference pixel
    level = StubReference(data=np.full((2048, 4), 50000, np.float32), dq=np.zeros((2048, 4), np.uint32))
    zero = StubReference(data=np.full(shape[-2:], 2000, np.float32))
    step = SaturationStep(n_pix_grow_sat=1, use_readpatt=by_frames)
    out = step.apply(ramp(data, nframes=5, readpatt="NRSIRS2"), references(saturation=level, superbias=zero))
    around = {(row, column) for row in (640 + 6, 640 + 7, 640 + 12) for column in range(3)}
    assert {tuple(where) for where in np.argwhere(out.groupdq[0, 2] & dq.SATURATED)} == around
    assert {tuple(where) for where in np.argwhere(out.groupdq[0, 1])} == (around if by_frames else set())
    assert not out.groupdq[0, 0].any()


class RowsOfReference(StubReference):
    """A reference that gives the rows it is asked for."""

    def read(self, array, *, window=None, first=None):
        rows = slice(None) if window is None else slice(window.ystart - 1, window.ystart - 1 + window.ysize)
        return self._arrays[array][..., rows, :]

    def plane(self, array, exposure, *, first=None):
        return self._arrays[array][..., exposure.rows or slice(None), :]


@pytest.mark.parametrize("fastaxis", [2, -2])
def test_irs2_readout_in_chunks_is_flagged_as_the_whole(rng, fastaxis):
    data = np.cumsum(rng.choice(np.array([5, 30000], np.float32), (1, 4, 3200, 4), p=[0.9, 0.1]), axis=1)
    whole = ramp(data, nframes=5, readpatt="NRSIRS2")
    whole.meta.subarray.fastaxis = fastaxis
    level = RowsOfReference(
        data=rng.integers(20000, 80000, (2048, 4)).astype(np.float32), dq=np.zeros((2048, 4), np.uint32)
    )
    given = references(saturation=level, superbias=RowsOfReference(data=np.zeros((3200, 4), np.float32)))
    step = SaturationStep()
    expected = step.apply(whole, given)
    for span in chunks_of(3200, 310, halo=rows_around(step.halo(whole.meta, given), whole.shape)):
        found = trim(step.apply(cut(whole, span), given), span.core)
        np.testing.assert_array_equal(found.groupdq, expected.groupdq[..., span.own, :])
        assert found.is_interleaved
