"""``fit_ramps_likely`` beside stcal 1.20.0, algorithm LIKELY, on random ramps with hits.

Compared: DQ, which must be equal; rates within 1e-4 of the larger of value and error; variances, errors and chi-square
within 1e-3; NaN in the same places. Left out is what gpipe does otherwise on purpose (docs/steps/ramp_fit.md):

- ramps of two usable differences, or of three with averaged groups, that disagree: which of equally good omissions
  stcal takes, if any, depends on the last bit;
- ramps whose median is not positive: stcal divides 0 by 0 in some of them and then finds no jump;
- a gain that is not positive, a ZEROFRAME of 0, NaN samples, and a negative dark current with a rate of 0.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from gpipe.ramp_fitting.likely_fit import LikelyOptions, fit_ramps_likely

sys.path.insert(0, str(Path(__file__).parents[1] / "ramp_fitting"))
from helpers.likely_regimes import UNEVEN, likely_ramps, times_of

pytestmark = pytest.mark.parity
JUMP_DET = 4
PATTERNS = {
    "single-4": (1, 0, 4),
    "single-5": (1, 0, 5),
    "single-8": (1, 1, 8),
    "single-30": (1, 0, 30),
    "averaged-4": (4, 1, 4),
    "averaged-6": (8, 2, 6),
    "averaged-10": (2, 0, 10),
    "averaged-40": (4, 0, 40),
}


def by_stcal(exposure, reads=1, skipped=0, read_times=None):
    likely_fit = pytest.importorskip("stcal.ramp_fitting.likely_fit")
    from stcal.ramp_fitting.ramp_fit_class import RampData
    from stdatamodels.jwst.datamodels import dqflags

    e = {name: None if x is None else x.copy() for name, x in exposure.items()}
    job = RampData()
    job.algorithm = "LIKELY"
    job.set_arrays(e["data"], e["groupdq"], e["pixeldq"], e["dark_current"], zeroframe=e.get("zeroframe"))
    job.set_meta("NIRCAM", 10.7, 10.7 * (reads + skipped), skipped, reads, 0)
    job.set_dqflags(dqflags.pixel)
    job.read_pattern = None if read_times is None else [np.array(t) for t in read_times]
    with np.errstate(all="ignore"):
        return likely_fit.likely_ramp_fit(job, e["readnoise"], e["gain"])


def undecided(exposure, times, jumps):
    """Ramps (integration, row, column) in which stcal's answer hangs on rounding; ``jumps`` are those that have any."""
    bad = exposure["groupdq"] != 0
    used = np.count_nonzero(~(bad[:, 1:] | bad[:, :-1]), axis=1)
    averaged = max(len(t) for t in times[1:-1]) > 1
    few = (used == 2) | ((used == 3) & averaged)
    rates = np.diff(exposure["data"], axis=1) / np.diff([np.mean(t) for t in times])[:, None, None]
    return (few & jumps) | (np.median(rates, axis=1) <= 0)


def differ(ours, theirs, relative, error=0.0):
    ours, theirs = ours.astype(float), theirs.astype(float)
    with np.errstate(invalid="ignore"):
        far = np.abs(ours - theirs) > relative * np.maximum(np.abs(theirs), np.nan_to_num(error)) + 1e-12
    return far | (np.isnan(ours) != np.isnan(theirs))


def assert_rates(ours, theirs, leave, what):
    leave = np.broadcast_to(leave, ours.dq.shape)
    assert not ((ours.dq != theirs["dq"]) & ~leave).any(), what
    assert not (differ(ours.slope, theirs["slope"], 1e-4, theirs["err"]) & ~leave).any(), what
    for name in ("var_poisson", "var_rnoise", "err"):
        assert not (differ(getattr(ours, name), theirs[name], 1e-3) & ~leave).any(), (what, name)


def compare(exposure, times, fitted=None, **pattern):
    """``fitted`` holds ramps and times as they are fitted if these are not those of the exposure."""
    theirs = by_stcal(exposure, **pattern)
    with np.errstate(all="raise"):
        ours = fit_ramps_likely(**exposure, options=LikelyOptions(times=times))
    jumps = ((ours.integrations.dq | theirs[1]["dq"]) & JUMP_DET) != 0
    leave = undecided(*(fitted or (exposure, times)), jumps)
    assert np.mean(leave) < 0.2
    assert_rates(ours.integrations, theirs[1], leave, "rateints")
    assert_rates(ours.exposure, theirs[0], leave.any(axis=0), "rate")
    chi = differ(ours.chi_square, theirs[0]["chisq"], 1e-3, 1.0)
    assert not (chi & ~leave.any(axis=0)).any()
    found = ((ours.integrations.dq & JUMP_DET) != 0) & ~(exposure["groupdq"] & JUMP_DET).any(axis=1)
    assert found.any()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("integrations", [1, 4])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_random_ramps(pattern, integrations, seed):
    reads, skipped, groups = PATTERNS[pattern]
    times = times_of(groups, reads, skipped)
    exposure = likely_ramps(seed, integrations, times, shape=(12, 40), faint=0.0)
    compare(exposure, times, reads=reads, skipped=skipped)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("integrations", [1, 3])
def test_uneven_reads(integrations, seed):
    exposure = likely_ramps(seed, integrations, UNEVEN, shape=(12, 40), faint=0.0)
    compare(exposure, UNEVEN, read_times=UNEVEN)


@pytest.mark.parametrize("read_times", [None, times_of(6, 4, 1)])
def test_zeroframe(read_times):
    times = times_of(6, 4, 1)
    exposure = likely_ramps(3, 2, times, shape=(12, 40), faint=0.5)
    # The first read of the first group, with the noise of one read.
    noise = np.random.default_rng(1).normal(0, exposure["readnoise"] / 2**0.5, exposure["data"][:, 0].shape)
    rate = np.median(np.diff(exposure["data"], axis=1), axis=1) / 5
    exposure["zeroframe"] = (exposure["data"][:, 0] - 1.5 * rate + noise).astype(np.float32)
    whole = {"data": np.concatenate([exposure["zeroframe"][:, None], exposure["data"]], axis=1)}
    whole["groupdq"] = np.concatenate([exposure["groupdq"][:, :1], exposure["groupdq"]], axis=1)
    fitted = whole, (times[0][:1], times[0][1:], *times[1:])
    compare(exposure, times, fitted, reads=4, skipped=1, read_times=read_times)


def test_of_ramps_with_a_negative_median_stcal_misses_jumps_that_gpipe_finds():
    times = times_of(5, 1)
    rng = np.random.default_rng(4)
    data = np.cumsum(rng.normal(-20, 5, (1, 5, 1, 200)), axis=1)
    data[:, 2:] += 5000
    plane = np.ones((1, 200), np.float32)
    exposure = {"data": data.astype(np.float32), "groupdq": np.zeros(data.shape, np.uint8), "dark_current": 0 * plane}
    exposure |= {"pixeldq": plane.astype(np.uint32) * 0, "gain": 2 * plane}
    exposure["readnoise"] = rng.uniform(3, 30, plane.shape).astype(np.float32)
    theirs, ours = by_stcal(exposure)[0], fit_ramps_likely(**exposure, options=LikelyOptions(times=times)).exposure
    assert (theirs["dq"] == 0).any()
    assert (ours.dq == JUMP_DET).all()
    np.testing.assert_allclose(ours.slope, -20 / 10.7, atol=2)
