import array_api_compat
import numpy as np
import pytest

from gpipe.arrays.integrations import stack_integrations


def summed(x):
    xp = array_api_compat.array_namespace(x)
    return stack_integrations(lambda one: xp.sum(one, axis=-1), x)


@pytest.mark.parametrize("shape", [(1, 4), (3, 2, 4)])
def test_stack_of_results(library, rng, shape):
    x = rng.normal(size=shape).astype(np.float32)
    out = library.run(summed, x)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, x.sum(axis=-1), rtol=1e-5, atol=1e-5)
