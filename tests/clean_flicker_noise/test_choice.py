import itertools

import pytest

from gpipe.clean_flicker_noise.choice import THRESHOLDS, choose

LIMITS = {
    "NIS_IMAGE": {"mask_frac": 0.07, "low": 1e-5, "high": 1e-4, "slope_ratio": 5.0},
    "NRC_IMAGE": {"mask_frac": 0.1, "low": 1e-5, "high": 1e-5, "slope_ratio": 3.0},
}


def table(masked, offset, slope, ratio, scatter, limits):
    """The decisions written out one by one."""
    if masked >= limits["mask_frac"]:
        steep = limits["high"] if offset >= 0.07 else limits["low"]
        return ("model" if slope >= steep else "median"), False
    if offset >= 0.07:
        return "median", True
    by_channel = offset > 0 and scatter >= 0.02
    if slope >= limits["high"]:
        return "model", by_channel
    if slope >= limits["low"]:
        return ("median" if ratio >= limits["slope_ratio"] else "model"), by_channel
    return "median", by_channel


@pytest.mark.parametrize("kind", THRESHOLDS)
def test_every_branch(kind):
    grid = itertools.product((0.01, 0.2), (0.0, 0.03, 0.1), (1e-6, 5e-5, 1e-3), (1.5, 20.0), (0.001, 0.1))
    for masked, offset, slope, ratio, scatter in grid:
        found = choose(
            THRESHOLDS[kind],
            masked=masked,
            row_slope=-slope / ratio,
            column_slope=slope,
            channel_offset=offset,
            scatter=scatter,
        )
        method, by_channel = table(masked, offset, slope, ratio, scatter, LIMITS[kind])
        assert found == {"background_method": method, "fit_by_channel": by_channel}
