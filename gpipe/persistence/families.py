"""Families of charge traps: how traps of one kind capture and release charge, as shares of a pixel's traps."""

import math
from dataclasses import dataclass

_SERIES_BELOW = 0.3
_SERIES_TERMS = range(3, 16)


@dataclass(frozen=True)
class TrapFamily:
    """Traps that capture and release charge at one rate.

    A pixel has ``density`` traps in all, in DN. Of this family, a share captures at once (``instantaneous``), another
    one (``exponential``) in a time of 1 / ``capture_rate``; all release it in a time of 1 / ``decay_rate``.

    Attributes
    ----------
    exponential, instantaneous : shares of the density.
    capture_rate, decay_rate : 1/s; 0 means never.

    References
    ----------
    Leisenring, Rieke, Misselt & Robberto 2016, Proc. SPIE 9915, 99152N;
    https://jwst-pipeline.readthedocs.io/en/stable/jwst/persistence/description.html
    """

    exponential: float
    capture_rate: float
    instantaneous: float
    decay_rate: float

    def released(self, seconds: float) -> float:
        """Share of the filled traps that let their charge go within a time."""
        return -math.expm1(-self.decay_rate * seconds)

    def caught(self, seconds: float) -> float:
        """Share of the slow traps that capture within a time, once charge is within their reach."""
        return -math.expm1(-self.capture_rate * seconds)

    def filled_by_ramp(self, seconds: float) -> float:
        """Traps filled at the end of a ramp, as a share of density times the square of the slope (full wells / s).

        Charge at a fraction ``f`` of the full well has a share ``f**2`` of the traps within reach; those that have been
        so for a time ``u`` have the weight ``2 u du``:

            integral of 2 u [exponential (1 - exp(-u capture_rate)) + instantaneous] du from 0 to ``seconds``

        which is seconds^2 (instantaneous + 2 exponential h(x) / x^2) with x = capture_rate seconds and
        h(x) = x^2/2 + (1 + x) exp(-x) - 1.
        """
        x = self.capture_rate * seconds
        return seconds**2 * (self.instantaneous + 2 * self.exponential * _slow_share(x))

    def filled_by_jump(self, seconds: float) -> float:
        """Traps filled a time after a jump, as a share of density times the jump (full wells)."""
        return 2 * (self.exponential * self.caught(seconds) + self.instantaneous)


def _slow_share(x: float) -> float:
    """h(x) / x^2. For small x the terms of h cancel, so there its power series is summed."""
    if x < _SERIES_BELOW:
        return sum((-1) ** (k + 1) * (k - 1) / math.factorial(k) * x ** (k - 2) for k in _SERIES_TERMS)
    return (x**2 / 2 + (1 + x) * math.exp(-x) - 1) / x**2
