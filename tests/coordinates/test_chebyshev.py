"""Surfaces of Chebyshev polynomials: exact for polynomials, with a bound for all others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe.coordinates.chebyshev import Rectangle, fit, fit_points

BOX = Rectangle(3, 90, 10, 70)


def cubic(x, y):
    return 5 + 0.9 * x - 1e-3 * x * y + 1e-5 * y**3, y + 1e-4 * x**2


@pytest.mark.parametrize("tiles", [1, 4])
def test_a_polynomial_of_lower_degree_is_met_exactly(tiles):
    found = fit(cubic, BOX, 8, tiles)
    x, y = np.meshgrid(np.arange(3, 91.0), np.arange(10, 71.0))
    assert found.bound < 1e-10
    np.testing.assert_allclose(found.surface(x, y), cubic(x, y), atol=1e-10)


def test_points_and_crossings_give_the_same():
    surface = fit(lambda x, y: (np.sin(x / 9), np.cos(y / 7)), BOX, 8, 4).surface
    x, y = np.arange(2.5, 91), np.arange(9.5, 71)
    np.testing.assert_allclose(surface.grid(x, y), surface(*np.meshgrid(x, y)), atol=1e-13)


def test_a_transform_that_is_not_defined_all_over_has_no_bound():
    assert np.isnan(fit(lambda x, y: (np.where(x > 80, np.nan, x), y), BOX, 8).bound)


def test_a_transform_that_is_not_defined_at_a_corner_only_has_no_bound():
    corner = lambda x, y: (np.where((x == 90) & (y == 70), np.nan, x), y)  # noqa: E731
    assert np.isnan(fit(corner, BOX, 8).bound)


@pytest.mark.parametrize("box", [Rectangle(5, 5, 3, 9), Rectangle(5, 9, 3, 3), Rectangle(5, 5, 3, 3)])
def test_one_column_or_row_will_do(box):
    found = fit(cubic, box, 8)
    assert found.bound < 1e-9
    np.testing.assert_allclose(found.surface(5.0, 3.0), cubic(5.0, 3.0), atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.floats(1e-3, 30),
    waves=st.floats(0.01, 6),
    degrees=st.sampled_from([8, 12, 16]),
    tiles=st.sampled_from([1, 2, 4]),
)
def test_the_bound_holds_for_random_smooth_distortions(seed, size, waves, degrees, tiles):
    random = np.random.default_rng(seed)
    frequencies, phases, amplitudes = random.normal(size=(2, 4, 2)) * waves, random.uniform(0, 7, (2, 4)), size / 4

    def distorted(x, y):
        at = np.stack([x, y], -1) / 60
        return tuple(
            axis + amplitudes * np.sin(at @ f.T + p).sum(-1)
            for axis, f, p in zip((x, y), frequencies, phases, strict=True)
        )

    found = fit(distorted, BOX, degrees, tiles)
    x, y = random.uniform(3, 90, 3000), random.uniform(10, 70, 3000)
    error = np.max(np.abs(np.stack(found.surface(x, y)) - np.stack(distorted(x, y))))
    assert error <= found.bound + 1e-12


def test_points_of_a_polynomial_give_it_back():
    random = np.random.default_rng(3)
    x, y = random.uniform(3, 90, 200), random.uniform(10, 70, 200)
    surface = fit_points(x, y, np.stack(cubic(x, y)), 5)
    np.testing.assert_allclose(surface(x, y), cubic(x, y), atol=1e-8)
