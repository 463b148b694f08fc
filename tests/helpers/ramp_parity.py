"""Random ramps of every regime, and rates beside those of stcal."""

import numpy as np

from gpipe.ramp_fitting.timing import Timing
from helpers.fault_pixels import large_variance

DO_NOT_USE, SATURATED, JUMP_DET, PERSISTENCE, CHARGELOSS = 1, 2, 4, 32, 128
TIMINGS = (
    Timing(frame_time=10.7, group_time=10.7, frames=1),
    Timing(frame_time=10.7, group_time=53.7, frames=4, gap=1, dropped_first=1),
    Timing(frame_time=0.5, group_time=1.0, frames=1, gap=1),
)


def ramps(seed, integrations, groups, *, lost=0.0, shape=(8, 40)):
    """Ramps, flags and planes by the names of ``fit_ramps``; with ``lost`` CHARGELOSS and no bad pixels."""
    rng = np.random.default_rng([seed, integrations, groups])
    timing = TIMINGS[seed % 3]
    size = (integrations, groups, *shape)
    rate = 10 ** rng.uniform(-1, 3.5, shape) * rng.choice([1, 1, 1, 1, -0.3], shape)
    steps = rng.normal(rate * timing.group_time, np.sqrt(np.abs(rate) * timing.group_time / 1.8 + 1), size)
    data = np.cumsum(steps, axis=1) + rng.normal(100, 8, size)
    flags = np.zeros(size, np.uint8)
    for bit in (JUMP_DET, DO_NOT_USE):
        flags[rng.random(size) < rng.choice([0, 0.02, 0.1, 0.4], shape)] |= bit
    flags[rng.random(size) < 0.02] |= PERSISTENCE
    flags |= (rng.random(size) < 0.02).astype(np.uint8) * rng.choice(np.array([8, 64, 36], np.uint8), size)
    flags[rng.random(size) < lost] |= DO_NOT_USE | CHARGELOSS
    first_full = rng.integers(0, groups + 1, (integrations, *shape))
    first_full = np.where(rng.random(first_full.shape) < 0.3, first_full, groups)
    flags[np.arange(groups)[None, :, None, None] >= first_full[:, None]] |= SATURATED
    pixeldq = np.where(rng.random(shape) < 0.05, 1, 0) | np.where(rng.random(shape) < 0.05, 1 << 11, 0)
    gain, readnoise = rng.uniform(1.5, 2.2, shape), rng.uniform(3, 30, shape)
    if not lost:
        gain[0, :4], readnoise[1, :2], pixeldq[2, 0] = (0, -1, np.nan, 1), (0, np.nan), SATURATED
        flags[:, :, 2, 0] = 0
    zeroframe = rate * timing.frame_time + 100 + rng.normal(0, 8, (integrations, *shape))
    zeroframe[rng.random(zeroframe.shape) < 0.3] = 0
    planes = {"readnoise": readnoise, "gain": gain, "dark_current": rng.normal(0.01, 0.005, shape)}
    planes |= {"data": data, "zeroframe": zeroframe}
    floats = {name: plane.astype(np.float32) for name, plane in planes.items()}
    return floats | {"groupdq": flags, "pixeldq": pixeldq.astype(np.uint32)}, timing


def assert_close(ours, theirs, *, relative, error=0.0, leave=False, what=""):
    ours, theirs = ours.astype(float), theirs.astype(float)
    leave = np.broadcast_to(leave, ours.shape)
    differ = np.isnan(ours) != np.isnan(theirs)
    with np.errstate(invalid="ignore"):
        differ |= np.abs(ours - theirs) > relative * np.maximum(np.abs(theirs), np.nan_to_num(error)) + 1e-12
    assert not (differ & ~leave).any(), (what, np.argwhere(differ & ~leave)[:5])


def assert_rates(ours, theirs, what, *, leave=False, leave_photons=False):
    """Compare all planes; of pixels in ``leave`` none, and in ``leave_photons`` not those that hold photon noise."""
    empty = (theirs["slope"] == 0) | leave
    flagged = np.where(theirs["slope"] == 0, ours.dq & ~np.uint32(DO_NOT_USE), ours.dq)
    np.testing.assert_array_equal(np.where(leave, 0, flagged), np.where(leave, 0, theirs["dq"]), err_msg=what)
    assert_close(ours.slope, theirs["slope"], relative=1e-4, error=theirs["err"], leave=empty, what=f"{what} slope")
    large = large_variance(ours, theirs["var_poisson"], theirs["var_rnoise"], theirs["err"]) | leave
    for name, left in (("var_poisson", leave_photons), ("var_rnoise", False), ("err", leave_photons)):
        assert_close(getattr(ours, name), theirs[name], relative=1e-3, leave=large | left, what=f"{what} {name}")
