"""Match of flagged jumps with simulated hits: completeness by size, and false alarms."""

from dataclasses import dataclass

import numpy as np

from gpipe import dq
from gpipe.simulate import ExposureConfig, NoiseEffects, Scene

SIZES = (0, 3, 5, 7, 10, 30, np.inf)
"""Edges of the sizes of hits, in standard deviations of the difference of two groups."""


def bright_and_calm(background, **settings):
    """An exposure of one-frame groups in which one sample in a hundred is hit.

    Noise that all pixels of a small subarray share shifts all its rates. So this noise is low, and the light is bright.
    """
    scene = Scene(background=background, density=1e-3, brightest=1e3 * background)
    dark = ExposureConfig(**settings)
    hits = 3e-3 / (dark.sca.pixel_area * dark.group_time)
    noise = NoiseEffects(one_over_f=0.1, amplifier_drift=0.3, odd_even_drift=0.1, cosmic_rays=hits)
    return ExposureConfig(**settings, seed=23, scene=scene, noise=noise)


EXPOSURES = {
    "nircam": bright_and_calm(800, detector="NRCALONG", readpatt="RAPID", subarray="SUB160", ngroups=10, nints=3),
    "niriss": bright_and_calm(800, detector="NIS", readpatt="NISRAPID", subarray="SUB128", ngroups=8, nints=5),
    "nirspec": bright_and_calm(300, detector="NRS1", readpatt="NRSRAPID", subarray="SUB1024A", ngroups=12, nints=2),
    "fgs": bright_and_calm(800, detector="GUIDER2", readpatt="FGSRAPID", subarray="SUB128CNTR", ngroups=10, nints=4),
    "miri": bright_and_calm(3000, detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB128", ngroups=16, nints=3),
}


@dataclass(frozen=True)
class JumpScore:
    """Simulated and found hits, by size; flags without a hit.

    Attributes
    ----------
    injected, found : number of samples that were hit, and of those flagged, between neighbouring `SIZES`.
    expected : number of hits above the threshold for the known noise.
    alarms, quiet : flagged samples where nothing hit the pixel or a neighbour, and all such samples.
    """

    injected: np.ndarray
    found: np.ndarray
    expected: np.ndarray
    alarms: int
    quiet: int

    @property
    def completeness(self):
        return self.found / np.maximum(self.injected, 1)

    @property
    def false_alarm_rate(self):
        return self.alarms / self.quiet


def score_jumps(groupdq, pixeldq, exposure, threshold=4.0):
    """Compare the flags of a calibrated ramp with the truth about a simulated exposure.

    Judged are samples after the first group of an integration, of pixels without flags, that are neither saturated nor
    withdrawn. Where groups average frames a hit is found if its group or the next is flagged: both hold a part of it.
    """
    charge = _charge(exposure.truth.cosmic_rays, groupdq.shape)
    bad = (groupdq & (dq.SATURATED | dq.DO_NOT_USE)) != 0
    judged = (pixeldq == 0) & ~bad
    judged[:, 1:] &= ~bad[:, :-1]
    judged[:, 0] = False
    jump = (groupdq & dq.JUMP_DET) != 0
    seen = jump.copy()
    spread_out = exposure.config.pattern.nframes > 1
    if spread_out:
        seen[:, :-1] |= jump[:, 1:]
    hit = judged & (charge > 0)
    size = charge[hit] / np.broadcast_to(_sigma(exposure), charge.shape)[hit]
    quiet = judged & ~_touched(charge > 0, spread_out)

    def count(weights):
        return np.histogram(size, SIZES, weights=weights.astype(float))[0]

    chance = _normal(size - threshold)
    alarms = int(np.count_nonzero(quiet & jump))
    return JumpScore(count(np.ones(size.shape)), count(seen[hit]), count(chance), alarms, int(np.count_nonzero(quiet)))


def _charge(hits, shape):
    """electron that hits left in each sample."""
    charge = np.zeros(shape, np.float32)
    np.add.at(charge, (hits["integration"], hits["group"], hits["row"], hits["column"]), hits["electrons"])
    return charge


def _sigma(exposure):
    """Standard deviation of the difference of two groups, electron (row, column)."""
    config, pixels = exposure.config, exposure.truth.pixels
    light = exposure.truth.rate * pixels.gain / (config.gain_factor or 1) + pixels.dark
    reads = 2 * config.sca.read_noise**2 * (config.noise.read_noise**2 + config.noise.one_over_f**2)
    return np.sqrt(light * config.group_time + reads / config.pattern.nframes)


def _touched(hit, spread_out):
    """Samples whose flag may come from a hit: the pixel's own, a neighbour's, or one of the group before."""
    touched = hit.copy()
    for axis in (-2, -1):
        by_row = np.moveaxis(touched, axis, 0)
        rows = by_row.copy()
        by_row[1:] |= rows[:-1]
        by_row[:-1] |= rows[1:]
    if spread_out:
        touched[:, 1:] |= touched[:, :-1].copy()
    return touched


def _normal(x):
    """Cumulative normal distribution, to 1e-5 (Abramowitz & Stegun 26.2.17)."""
    t = 1 / (1 + 0.2316419 * np.abs(x))
    series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = series * np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    return np.where(x >= 0, 1 - tail, tail)
