import numpy as np
import pytest
from helpers.stub_exposures import StubReference, ramp, references

from gpipe.linearity import LinearityStep

SHAPE = (1, 4, 2, 3)
DATA = np.linspace(1000, 40000, 4, dtype=np.float32)[None, :, None, None] * np.ones(SHAPE, np.float32)


def polynomial(bend):
    coeffs = np.zeros((3, *SHAPE[-2:]), dtype=np.float32)
    coeffs[1], coeffs[2] = 1, bend
    return coeffs


def reference(**more):
    return references(linearity=StubReference(coeffs=polynomial(1e-6), dq=np.zeros(SHAPE[-2:], np.uint32), **more))


PLAIN = DATA + 1e-6 * DATA.astype(float) ** 2


def test_polynomial_of_each_group_and_the_zeroframe():
    out = LinearityStep().apply(ramp(DATA, zeroframe=DATA[:, 2, ...]), reference())
    np.testing.assert_allclose(out.data, PLAIN, rtol=1e-6)
    np.testing.assert_allclose(out.zeroframe, PLAIN[:, 2, ...], rtol=1e-6)


@pytest.mark.parametrize(
    ("nframes", "read_times", "inverse", "frame_by_frame"),
    [(4, None, True, True), (4, None, False, False), (1, None, True, False), (4, [[1, 2]], True, False)],
)
def test_when_frames_are_corrected_one_by_one(nframes, read_times, inverse, frame_by_frame):
    more = {"inv_coeffs": polynomial(-1e-6)} if inverse else {}
    out = LinearityStep().apply(ramp(DATA, nframes=nframes, read_times=read_times), reference(**more))
    assert np.allclose(out.data, PLAIN, rtol=1e-6) is not frame_by_frame
    np.testing.assert_allclose(out.data, PLAIN, atol=20)
