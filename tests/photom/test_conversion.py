import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.photom.conversion import MICROJANSKYS, convert

f4 = np.float32
SHAPE = (2, 3, 4)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("has_flat", [False, True])
def test_against_a_loop(library, rng, inverse, has_flat):
    planes = [rng.uniform(0.1, 5, SHAPE).astype(f4) for _ in range(5)]
    planes[0][0, 0, 0] = planes[4][0, 0, 1] = np.nan
    flags = rng.choice(np.array([0, 0, dq.DO_NOT_USE, dq.HOT], np.uint32), SHAPE)

    def unpacked(data, err, poisson, rnoise, flat, flags):
        return convert((data, err), (poisson, rnoise, flat), flags, factor=1.7, inverse=inverse)

    out = library.run(unpacked, *planes[:4], planes[4] if has_flat else None, flags)
    found = [out.data, out.err, out.var_poisson, out.var_rnoise, out.var_flat]
    assert (found.pop() is None) != has_flat or has_flat
    for pixel in np.ndindex(SHAPE):
        used = planes if has_flat else planes[:4]
        bad = flags[pixel] & dq.DO_NOT_USE or any(np.isnan(plane[pixel]) for plane in used)
        assert out.dq[pixel] == flags[pixel] | (dq.DO_NOT_USE if bad else 0)
        for power, plane, result in zip((1, 1, 2, 2), planes, found, strict=False):
            expected = plane[pixel] * 1.7 ** (-power if inverse else power)
            np.testing.assert_allclose(result[pixel], np.nan if bad else expected, rtol=2e-7)
    assert {x.dtype for x in found} == {np.dtype(f4)}
    assert (out.var_flat is None) == (not has_flat)


NUMBERS = hnp.arrays(f4, (2, 3), elements=st.floats(0.125, 8, width=32))


@given(NUMBERS, NUMBERS, st.floats(0.01, 100))
def test_signal_to_noise_does_not_change_and_the_inverse_undoes_it(data, err, factor):
    none = np.zeros((2, 3), np.uint32)
    there = convert((data, err), (err**2, None, None), none, factor=factor)
    np.testing.assert_allclose(there.data / there.err, data / err, rtol=1e-6)
    np.testing.assert_allclose(there.var_poisson, there.err**2, rtol=1e-6)
    back = convert((there.data, there.err), (there.var_poisson, None, None), none, factor=factor, inverse=True)
    np.testing.assert_allclose(back.data, data, rtol=1e-6)
    np.testing.assert_allclose(back.var_poisson, err**2, rtol=1e-6)


def test_microjanskys():
    assert pytest.approx(1e12 / (180 * 3600 / np.pi) ** 2, rel=1e-14) == MICROJANSKYS
