import math

import numpy as np
import pytest

from gpipe.persistence.families import TrapFamily

FAMILY = TrapFamily(exponential=0.7, capture_rate=0.02, instantaneous=0.1, decay_rate=0.004)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 14.9, 15.1, 100.0, 5000.0])
def test_traps_filled_by_a_ramp_are_the_integral_over_the_time_within_reach(seconds):
    """Traps that have been within reach of charge for a time u have the weight 2 u du."""
    edges = np.linspace(0, seconds, 200_001)
    u = (edges[1:] + edges[:-1]) / 2
    share = FAMILY.exponential * (1 - np.exp(-u * FAMILY.capture_rate)) + FAMILY.instantaneous
    integral = np.sum(2 * u * share) * seconds / len(u)
    assert FAMILY.filled_by_ramp(seconds) == pytest.approx(integral, rel=1e-9)


def test_short_ramps_lose_no_digits():
    """x^2/3 is the leading term; the closed form alone would be noise here."""
    family = TrapFamily(1.0, 1e-9, 0.0, 1.0)
    assert family.filled_by_ramp(1.0) == pytest.approx(2e-9 / 3, rel=1e-8)


def test_all_traps_of_a_full_well_are_filled_in_the_end():
    seconds = 1e7
    slope = 1 / seconds
    assert FAMILY.filled_by_ramp(seconds) * slope**2 == pytest.approx(0.8, rel=1e-4)


def test_traps_that_never_capture_or_release():
    still = TrapFamily(0.5, 0.0, 0.25, 0.0)
    assert still.released(1e9) == still.caught(1e9) == 0
    assert still.filled_by_ramp(10.0) == pytest.approx(25.0)
    assert still.filled_by_jump(10.0) == pytest.approx(0.5)


def test_decay_is_exponential():
    assert FAMILY.released(250.0) == pytest.approx(1 - math.exp(-1))
    assert FAMILY.caught(50.0) == pytest.approx(1 - math.exp(-1))
    assert FAMILY.filled_by_jump(50.0) == pytest.approx(2 * (0.7 * (1 - math.exp(-1)) + 0.1))
