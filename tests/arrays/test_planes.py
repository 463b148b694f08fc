import numpy as np
import pytest

from gpipe.arrays import planes as planes_module
from gpipe.arrays.planes import subtract_from_groups


@pytest.mark.parametrize("groups", [0, 1, 3, 5])
@pytest.mark.parametrize("samples", [1, 20, 1 << 18])
def test_against_a_loop(library, rng, groups, samples, monkeypatch):
    monkeypatch.setattr(planes_module, "CACHED_SAMPLES", samples)
    data = rng.normal(size=(3, 5, 4, 6)).astype(np.float32)
    first, later = rng.normal(size=(2, groups, 4, 6)).astype(np.float32)
    expected = data.copy()
    for i, plane in enumerate((first, later, later)):
        for g in range(groups):
            expected[i, g] -= plane[g]
    found = library.run(lambda x, a, b: subtract_from_groups(x, [a, b, b]), data, first, later)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
