"""The fits of single segments, against the loop over pixels."""

import numpy as np
import pytest
from helpers.ramp_regimes import JUMP_DET, SATURATED, random_ramps
from helpers.ramp_runs import by_loop, run, straight

from gpipe.ramp_fitting.fit import FitOptions, fit_ramps
from gpipe.ramp_fitting.segment_results import planes_in_use

FIELDS = {
    "slope": "slope",
    "sigslope": "sigslope",
    "yint": "yint",
    "sigyint": "sigyint",
    "var_poisson": "var_p",
    "var_rnoise": "var_r",
}


@pytest.mark.parametrize(
    ("integrations", "groups", "suppress"), [(2, 1, False), (1, 2, True), (2, 7, False), (1, 12, True)]
)
def test_equals_the_loop(library, integrations, groups, suppress):
    ramps, timing = random_ramps(groups, integrations, groups, bad_pixels=False)
    options = FitOptions(timing=timing, suppress_one_group=suppress, segments=True)
    out = run(library, ramps, options)
    assert out.segments.slope.shape == (integrations, max(1, groups // 2), *ramps["gain"].shape)
    assert out.segments.slope.dtype == np.float32
    for (r, c), pixel in by_loop(ramps, options).items():
        for i, integration in enumerate(pixel.integrations):
            fits = integration.segments
            for ours, theirs in FIELDS.items():
                found = getattr(out.segments, ours)[i, :, r, c]
                expected = [getattr(s, theirs) for s in fits]
                tolerance = 0.02 if ours == "yint" else 1e-5
                np.testing.assert_allclose(found[: len(fits)], expected, rtol=2e-4, atol=tolerance)
                np.testing.assert_array_equal(found[len(fits) :], 0)
            np.testing.assert_allclose(
                out.segments.weights[i, : len(fits), r, c], [1 / s.var_r for s in fits], rtol=1e-4
            )


def test_pedestal_is_the_line_at_the_reset():
    ramps = straight(rate=30.0)
    ramps["data"] += 500
    ramps["groupdq"][:, :, 0, 1] = SATURATED
    timing = random_ramps(1, 1, 2)[1]
    out = fit_ramps(**ramps, options=FitOptions(timing=timing, segments=True))
    slope = 30 / timing.group_time
    expected = 530 - slope * ((timing.frames + 1) / 2 + timing.dropped_first) / (timing.frames + timing.gap)
    np.testing.assert_allclose(out.segments.pedestal, [[[expected, 0, expected]]], rtol=1e-5)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("gain", [np.nan, 0, -1.5])
def test_no_fit_without_a_gain(library, groups, gain):
    ramps = straight(rate=30.0, groups=groups)
    ramps["gain"][0, 1] = gain
    options = FitOptions(timing=random_ramps(1, 1, 2)[1], suppress_one_group=False, segments=True)
    out = run(library, ramps, options).segments
    expected = {"weights": np.inf, "var_rnoise": 0, "pedestal": 0}
    for name in (*FIELDS, "weights", "pedestal"):
        plane = getattr(out, name)[0]
        found = plane if name == "pedestal" else plane[0]
        np.testing.assert_array_equal(found[0, 1], expected.get(name, np.nan), err_msg=name)
        assert np.isfinite(found[0, 0]), name
    np.testing.assert_array_equal(planes_in_use(out.slope)[1:], False)


def test_magnitudes_of_jumps_in_their_order():
    ramps = straight(rate=10.0, groups=6)
    ramps["data"][:, 2:, 0, 0] += 500
    ramps["data"][:, 4:, 0, 0] += 70
    ramps["groupdq"][:, [2, 4], 0, 0] = JUMP_DET
    ramps["groupdq"][:, 0, 0, 1] = JUMP_DET  # no step leads to the first group
    ramps["groupdq"][:, 4:, 0, 2] = JUMP_DET | SATURATED
    out = fit_ramps(**ramps, options=FitOptions(timing=random_ramps(0, 1, 2)[1], segments=True)).segments.crmag
    np.testing.assert_allclose(out[0, :, 0, 0], [510, 80, 0, 0, 0])
    np.testing.assert_allclose(out[0, :, 0, 1], 0)
    np.testing.assert_allclose(out[0, :, 0, 2], [np.nan, np.nan, 0, 0, 0])
    np.testing.assert_array_equal(planes_in_use(out), [True, True, False, False, False])


def test_planes_in_use(library):
    x = np.zeros((2, 3, 2, 2), np.float32)
    x[1, 0, 1, 1], x[0, 1, 0, 0] = 3, np.nan
    np.testing.assert_array_equal(library.run(planes_in_use, x), [True, True, False])
