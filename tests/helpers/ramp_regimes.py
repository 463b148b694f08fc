"""Random ramps of every regime: hits, saturation, holes, faint and bright pixels, bad gains, several integrations."""

import numpy as np

from gpipe.ramp_fitting.timing import Timing

DO_NOT_USE, SATURATED, JUMP_DET, PERSISTENCE, CHARGELOSS = 1, 2, 4, 32, 128
TIMINGS = (
    Timing(frame_time=10.7, group_time=10.7, frames=1),
    Timing(frame_time=10.7, group_time=53.7, frames=4, gap=1, dropped_first=1),
    Timing(frame_time=0.5, group_time=1.0, frames=1, gap=1),
)


def random_ramps(seed, integrations, groups, shape=(4, 16), *, bad_pixels=True, odd_flags=True, lost=0.0):
    """Arguments of ``fit_ramps`` by name, as NumPy arrays, and the timing."""
    rng = np.random.default_rng([seed, integrations, groups])
    timing = TIMINGS[seed % len(TIMINGS)]
    size = (integrations, groups, *shape)
    rate = 10 ** rng.uniform(-1, 3.5, shape) * rng.choice([1, 1, 1, 1, -0.3], shape)
    steps = rng.normal(rate * timing.group_time, np.sqrt(np.abs(rate) * timing.group_time / 1.8 + 1), size)
    data = np.cumsum(steps, axis=1) + rng.normal(100, 8, size)
    flags = np.zeros(size, np.uint8)
    flags[rng.random(size) < rng.choice([0, 0.02, 0.1, 0.4], shape)] |= JUMP_DET
    flags[rng.random(size) < rng.choice([0, 0.02, 0.1, 0.4], shape)] |= DO_NOT_USE
    flags[rng.random(size) < lost] |= DO_NOT_USE | CHARGELOSS
    if odd_flags:
        flags[rng.random(size) < 0.02] |= PERSISTENCE
        flags |= (rng.random(size) < 0.02).astype(np.uint8) * rng.choice(np.array([8, 64, 36], np.uint8), size)
    full = np.where(
        rng.random((integrations, *shape)) < 0.3, rng.integers(0, groups + 1, (integrations, *shape)), groups
    )
    flags[np.arange(groups)[None, :, None, None] >= full[:, None]] |= SATURATED
    pixeldq = np.where(rng.random(shape) < 0.05, 1, 0) | np.where(rng.random(shape) < 0.05, 1 << 11, 0)
    gain, readnoise = rng.uniform(1.5, 2.2, shape), rng.uniform(3, 30, shape)
    if bad_pixels:
        gain[0, :4], readnoise[1, :2] = (0, -1, np.nan, 1), (0, np.nan)
        pixeldq[2, 0] = SATURATED
    zeroframe = np.where(rng.random((integrations, *shape)) < 0.3, 0, rate * timing.frame_time + 100)
    return {
        "data": data.astype(np.float32),
        "groupdq": flags,
        "pixeldq": pixeldq.astype(np.uint32),
        "readnoise": readnoise.astype(np.float32),
        "gain": gain.astype(np.float32),
        "dark_current": rng.normal(0.02, 0.005, shape).astype(np.float32),
        "zeroframe": zeroframe.astype(np.float32),
    }, timing
