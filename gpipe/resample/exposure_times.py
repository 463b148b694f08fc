"""Times of a mosaic from those of its exposures: each group, the detectors of one exposure, counts once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Times of an exposure or a mosaic; None where unknown.

    Attributes
    ----------
    exposure_time, duration, measurement_time : seconds: EFFEXPTM, DURATION, TMEASURE.
    start, end : MJD: EXPSTART, EXPEND.
    """

    exposure_time: float | None
    duration: float | None
    measurement_time: float | None
    start: float | None
    end: float | None


def combined(times: Sequence[Times], groups: Sequence[str]) -> Times:
    """Add up times of exposures, of each group those of its first exposure.

    The measurement time is known only if that of every group is.
    """
    first = dict(reversed(list(zip(groups, times, strict=True))))
    each = list(first.values())
    measured = [t.measurement_time for t in each]
    return Times(
        exposure_time=sum(t.exposure_time or 0.0 for t in each),
        duration=sum(t.duration or 0.0 for t in each),
        measurement_time=None if None in measured else sum(t or 0.0 for t in measured),
        start=min((t.start for t in each if t.start is not None), default=None),
        end=max((t.end for t in each if t.end is not None), default=None),
    )
