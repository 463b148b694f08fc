"""Random ramps with cosmic-ray hits for the likelihood fit: read patterns, flags, holes, faint and bright pixels."""

import numpy as np

UNEVEN = ((1.0,), (2.0,), (5.0, 6.0, 7.0), (9.0,), (15.0, 16.0), (30.0,), (31.0, 32.0, 33.0, 34.0), (40.0,), (41.5,))


def times_of(groups, reads, skipped=0, frame_time=10.7):
    """Seconds of all reads of evenly spaced groups."""
    return tuple(tuple(frame_time * (g * (reads + skipped) + r + 1) for r in range(reads)) for g in range(groups))


def likely_ramps(seed, integrations, times, shape=(4, 16), *, flagged=0.05, hits=0.05, faint=-0.5, bad_pixels=False):
    """Arguments of ``fit_ramps_likely`` by name. Every read is drawn by itself, so that groups share photons."""
    rng = np.random.default_rng([seed, integrations, len(times)])
    rate, gain = 10 ** rng.uniform(faint, 3, shape), rng.uniform(1.5, 2.2, shape)
    readnoise = rng.uniform(6, 30, shape)
    electrons, now, groups = np.zeros((integrations, *shape)), 0.0, []
    for group in times:
        total = 0.0
        for read in group:
            electrons = electrons + rng.poisson(rate * gain * (read - now), electrons.shape)
            hit = rng.random(electrons.shape) < hits / len(group)
            electrons = electrons + hit * 10 ** rng.uniform(2, 4.5, electrons.shape)
            total = total + electrons / gain + rng.normal(0, readnoise / 2**0.5, electrons.shape)
            now = read
        groups.append(total / len(group) + 500)
    data = np.stack(groups, axis=1)
    flags = np.zeros(data.shape, np.uint8)
    for bit in (1, 4, 8, 32):
        flags[rng.random(data.shape) < flagged / 4] |= bit
    full = np.where(rng.random(electrons.shape) < 0.25, rng.integers(0, len(times) + 1, electrons.shape), len(times))
    flags[np.arange(len(times))[None, :, None, None] >= full[:, None]] |= 2
    pixeldq = np.where(rng.random(shape) < 0.05, 1, 0) | np.where(rng.random(shape) < 0.05, 1 << 11, 0)
    if bad_pixels:
        gain[0, :3], readnoise[1, :1] = (0, -1, np.nan), np.nan
    planes = {"data": data, "readnoise": readnoise, "gain": gain, "dark_current": rng.uniform(0, 0.05, shape)}
    floats = {name: plane.astype(np.float32) for name, plane in planes.items()}
    return floats | {"groupdq": flags, "pixeldq": pixeldq.astype(np.uint32)}
