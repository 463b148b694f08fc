"""When a ramp was read, and what the times mean for the covariance of its differences."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpipe.ramp_fitting.timing import Timing

Times = tuple[tuple[float, ...], ...]


def even_times(timing: Timing, groups: int) -> Times:
    """Times of all reads, group by group, of evenly spaced groups; seconds."""
    frames = timing.frames + timing.gap
    return tuple(
        tuple((group * frames + read + 1) * timing.frame_time for read in range(timing.frames))
        for group in range(groups)
    )


def apart_from_first(times: Times) -> Times:
    """Return the same reads with the first one, the ZEROFRAME, as a separate group."""
    return (times[0][:1], times[0][1:], *times[1:])


@dataclass(frozen=True)
class Reads:
    """Reads averaged into groups: number N_i, mean time t_i and variance-weighted time tau_i of each group i.

    tau = Σ_j (2 (N - j) + 1) t_j / N^2 over the reads j = 1 … N of a group: the photon noise of the mean of reads that
    share photons (Brandt 2024, PASP 136, 045004, eq. 11). The difference k is that of the groups k + 1 and k.
    """

    count: tuple[int, ...]
    mean: tuple[float, ...]
    tau: tuple[float, ...]

    @classmethod
    def at(cls, times: Sequence[Sequence[float]]) -> "Reads":
        return cls(
            count=tuple(len(group) for group in times),
            mean=tuple(sum(group) / len(group) for group in times),
            tau=tuple(
                sum((2 * (len(group) - j) - 1) * t for j, t in enumerate(group)) / len(group) ** 2 for group in times
            ),
        )

    @property
    def intervals(self) -> list[float]:
        """Exposure time of each difference, seconds."""
        return [later - earlier for earlier, later in zip(self.mean, self.mean[1:], strict=False)]

    @property
    def photon_variances(self) -> list[float]:
        """Variance of each difference for a rate of 1 electron/s (eq. 28, not divided by intervals), seconds."""
        return [
            tau + next_tau - 2 * mean for tau, next_tau, mean in zip(self.tau, self.tau[1:], self.mean, strict=False)
        ]

    @property
    def photon_covariances(self) -> list[float]:
        """Covariance of each difference with the next (eq. 29), seconds; exactly 0 for groups of one read."""
        inner = zip(self.count[1:-1], self.mean[1:-1], self.tau[1:-1], strict=True)
        return [mean - tau if count > 1 else 0.0 for count, mean, tau in inner]
