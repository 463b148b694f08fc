import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe import dq
from gpipe.charge_migration.charge_migration import flag_charge_migration

LOST = dq.CHARGELOSS | dq.DO_NOT_USE
THRESHOLD = 100.0


def slow(data, groupdq, threshold):
    """Sample by sample."""
    out = groupdq.copy()
    rows, columns = data.shape[-2:]
    for i, g, y, x in np.ndindex(data.shape):
        if data[i, g, y, x] > threshold and groupdq[i, g, y, x] != dq.DO_NOT_USE:
            for row, column in ((y, x), (y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= row < rows and 0 <= column < columns:
                    out[i, g:, row, column] |= LOST
    return out


@pytest.mark.parametrize("shape", [(2, 5, 7, 6), (1, 1, 4, 4), (1, 3, 1, 5), (3, 2, 5, 1)])
def test_against_a_loop(library, rng, shape):
    data = rng.uniform(0, 108, shape).astype(np.float32)
    data[rng.random(shape) < 0.05] = np.nan
    groupdq = rng.choice(np.array([0, 0, 0, 1, 2, 3, 4, 5], np.uint8), shape)
    out = library.run(flag_charge_migration, data, groupdq, THRESHOLD)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, slow(data, groupdq, THRESHOLD))


@pytest.mark.parametrize(("flag", "passes"), [(0, True), (dq.DO_NOT_USE, False), (dq.DO_NOT_USE | dq.SATURATED, True)])
def test_only_do_not_use_by_itself_keeps_a_sample_from_passing(library, flag, passes):
    data = np.zeros((1, 3, 3, 3), np.float32)
    groupdq = np.zeros(data.shape, np.uint8)
    data[0, 1, 1, 1], groupdq[0, 1, 1, 1] = 101, flag
    out = library.run(flag_charge_migration, data, groupdq, THRESHOLD)
    assert np.count_nonzero(out & dq.CHARGELOSS) == (10 if passes else 0)


def test_the_threshold_itself_does_not_pass(library):
    data = np.full((1, 3, 2, 2), THRESHOLD, np.float32)
    assert not library.run(flag_charge_migration, data, np.zeros(data.shape, np.uint8), THRESHOLD).any()


@given(hnp.arrays(np.float32, (1, 4, 4, 5), elements=st.integers(0, 200).map(float)), st.floats(0, 200))
def test_once_withdrawn_always_withdrawn_and_more_signal_withdraws_more(data, extra):
    none = np.zeros(data.shape, np.uint8)
    out = flag_charge_migration(data, none, THRESHOLD) == LOST
    assert np.all(out[:, :-1] <= out[:, 1:])
    assert np.all(out <= (flag_charge_migration(data + np.float32(extra), none, THRESHOLD) == LOST))
