import numpy as np
from helpers.stub_exposures import StubReference, ramp, references

from gpipe import dq
from gpipe.superbias import SuperBiasStep


def test_subtracts_from_groups_and_zeroframe():
    data = np.full((1, 2, 3, 4), 100, dtype=np.float32)
    bias = StubReference(data=np.full((3, 4), 40, np.float32), dq=np.full((3, 4), dq.UNRELIABLE_BIAS, np.uint32))
    out = SuperBiasStep().apply(ramp(data, zeroframe=data[:, 0, ...]), references(superbias=bias))
    assert (out.data == 60).all()
    assert (out.zeroframe == 60).all()
    assert (out.pixeldq == dq.UNRELIABLE_BIAS).all()


def test_a_bias_that_is_unknown_is_told_in_the_flags():
    data, bias = np.full((1, 1, 3, 4), 100, dtype=np.float32), np.full((3, 4), 40, np.float32)
    bias[1, 2] = np.nan
    reference = StubReference(data=bias, dq=np.zeros((3, 4), np.uint32))
    out = SuperBiasStep().apply(ramp(data), references(superbias=reference))
    assert np.argwhere(out.pixeldq).tolist() == [[1, 2]]
    assert out.pixeldq[1, 2] == dq.UNRELIABLE_BIAS
    assert out.data[0, 0, 1, 2] == 100
