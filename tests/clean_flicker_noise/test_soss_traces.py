from types import SimpleNamespace

import numpy as np
import pytest

from gpipe.clean_flicker_noise.soss_traces_host import check_position, trace_mask
from gpipe.exceptions import InputError

SHAPE = (256, 2048)


def reference(rows):
    """Traces at constant rows, one for each order, with wavelengths that fall with the column."""
    x = np.arange(2048.0)
    return SimpleNamespace(
        meta=SimpleNamespace(
            pwcpos_bounds=[245.5, 246.0],
            pwcpos_cmd=245.75,
            subarray_ymin=1792,
            wavemap_nwl=3001,
            wavemap_wlmin=0.5,
            wavemap_wlmax=3.0,
        ),
        traces=[
            SimpleNamespace(trace=np.stack([x, np.full_like(x, row)], axis=1), pivot_x=1000.0, pivot_y=row)
            for row in rows
        ],
        wavecal_models=[
            SimpleNamespace(scale_extents=[[0.0, -0.2], [2047.0, 0.2]], coefficients=[2.8, -2.0, 0.0]) for _ in rows
        ],
    )


def meta(position=245.75, subarray="SUBSTRIP256"):
    return SimpleNamespace(instrument=SimpleNamespace(pupil_position=position), subarray=SimpleNamespace(name=subarray))


def rows_of(mask, column):
    return np.flatnonzero(mask[:, column])


def test_sixteen_rows_on_both_sides_of_each_trace():
    mask = trace_mask(reference([60.0, 150.4]), meta(), SHAPE)
    for column in (0, 700, 2047):
        expected = [*range(44, 77), *range(134, 168)]
        np.testing.assert_array_equal(rows_of(mask, column), expected)


def test_the_pupil_wheel_turns_traces_about_their_pivots():
    mask = trace_mask(reference([100.0]), meta(position=246.0), SHAPE)
    for column in (0, 1000, 2000):
        middle = 100 + (column - 1000) * np.tan(np.radians(0.25))
        np.testing.assert_allclose(np.mean(rows_of(mask, column)), middle, atol=0.6)


@pytest.mark.parametrize(("subarray", "rows", "shift"), [("SUBSTRIP96", 96, -10), ("FULL", 2048, 1792)])
def test_other_subarrays(subarray, rows, shift):
    mask = trace_mask(reference([60.0]), meta(subarray=subarray), (rows, 2048))
    np.testing.assert_array_equal(rows_of(mask, 500), np.arange(44, 77) + shift)


def test_terms_of_the_wavelengths_are_in_the_order_of_their_total_power():
    """Wavelengths decide where a bent trace is sampled; a wrong order would move it."""
    bent = reference([100.0])
    x = np.arange(2048.0)
    bent.traces[0].trace = np.stack([x, 60 + x / 40], axis=1)
    bent.wavecal_models[0].coefficients = [2.8, -2.0, 0.4, 0.1, -0.3, 0.2]  # 1, u, v, u u, u v, v v
    mask = trace_mask(bent, meta(), SHAPE)
    for column in (100, 1500):
        np.testing.assert_allclose(np.mean(rows_of(mask, column)), 60 + column / 40, atol=0.6)


@pytest.mark.parametrize("position", [None, 245.0, 246.5])
def test_a_position_without_traces(position):
    with pytest.raises(InputError, match=f"PWCPOS: found {position}, expected 245.5 to 246.0"):
        check_position(reference([60.0]), position)
