import numpy as np
import pytest
from helpers.emi_exposures import CLOCKS, times
from hypothesis import given
from hypothesis import strategies as st

from gpipe.emicorr.readout import Clocks, Readout, add_outputs, has_late_column, period_of, within_cycle

PERIOD = 457.6


def readout(shape=(3, 4, 5, 24), case="SUB64", **changes):
    return Readout(**{"shape": shape, "clocks": CLOCKS[case], "samples": 1, "resets": True} | changes)


def distance(a, b):
    """Distance of phases, the shorter way round."""
    return np.abs((a - b + 0.5) % 1 - 0.5)


@pytest.mark.parametrize(
    ("case", "samples", "resets"), [("SUB64", 1, True), ("MASK1550", 1, False), ("FULL_SLOW", 9, True)]
)
def test_every_pixel_has_the_phase_of_its_time(library, case, samples, resets):
    it = readout(case=case, samples=samples, resets=resets)
    pixels = library.run(lambda like: it.pixel_phases(PERIOD, like), np.zeros(1, np.float32))
    integrations, groups = it.integration_phases(PERIOD), it.group_phases(PERIOD)
    found = np.array(integrations)[:, None, None, None] + np.array(groups)[:, None, None] + pixels
    assert distance(found, (times(it) / PERIOD)[..., ::4]).max() < 1e-6


def test_full_frame_has_no_rows_left_out():
    assert readout(shape=(1, 2, 1024, 1032), case="FULL_FAST").frame == CLOCKS["FULL_FAST"].frame


@pytest.mark.parametrize(("resets", "clocks"), [(True, 4 * 6784 + 8512), (False, 4 * 6784)])
def test_a_frame_is_read_between_integrations_where_they_are_reset(resets, clocks):
    it = readout(shape=(2, 4, 64, 24), clocks=Clocks(1, 8512), resets=resets)
    assert it.frame == 6784  # 64 rows, and 7 clocks for each of the 960 others
    assert it.integration == clocks


def test_reference_pixels_at_the_right_are_three_clocks_late(library):
    late, on_time = (
        library.run(lambda like, it=it: it.pixel_phases(PERIOD, like), np.zeros(1, np.float32))
        for it in (readout(late_column=True), readout())
    )
    np.testing.assert_array_equal(late[:, :-1], on_time[:, :-1])
    np.testing.assert_allclose(distance(late[:, -1], on_time[:, -1] + 3 / PERIOD), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("first", "columns", "late"), [(1, 1032, True), (1, 72, False), (457, 512, False), (5, 72, False)]
)
def test_only_full_frames_end_with_reference_pixels(first, columns, late):
    assert has_late_column(first, columns) is late


def test_period_is_in_clocks():
    assert period_of(390.625) == 256.0


def test_outputs_read_four_columns_at_once(library):
    x = np.arange(48, dtype=np.float32).reshape(2, 24)
    np.testing.assert_array_equal(library.run(add_outputs, x), x.reshape(2, 6, 4).sum(axis=2))


@given(st.floats(-1e3, 1e3))
def test_a_cycle_is_from_0_to_1(phase):
    found = within_cycle(np.array(phase))
    assert 0 <= found <= 1
    assert distance(found, phase) < 1e-9
