import numpy as np
import pytest

from gpipe.arrays import planes as planes_module
from gpipe.arrays.planes import matching_integrations, subtract_from_groups, subtract_planes


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


def test_flags_join_those_of_the_pixels(library, rng):
    data, plane = (rng.normal(size=(*lead, 4, 6)).astype(np.float32) for lead in ((1, 2), (2,)))
    pixeldq, planes_dq = rng.integers(0, 1 << 32, (2, 4, 6), np.uint32)
    found = library.run(lambda x, flags, a, a_dq: subtract_planes(x, flags, [a], a_dq), data, pixeldq, plane, planes_dq)
    np.testing.assert_array_equal(found.data, data - plane)
    np.testing.assert_array_equal(found.pixeldq, pixeldq | planes_dq)


@pytest.mark.parametrize(
    ("count", "start", "available", "expected"),
    [(3, None, 5, [0, 1, 2]), (3, 1, 2, [0, 1, 1]), (2, 4, 5, [3, 4]), (2, 9, 2, [1, 1]), (0, 1, 2, [])],
)
def test_integrations_of_a_reference(count, start, available, expected):
    assert matching_integrations(count, start=start, available=available) == expected
