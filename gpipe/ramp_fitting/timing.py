"""The times of a read pattern that turn signals into rates."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Read times of the groups of an integration.

    Attributes
    ----------
    frame_time, group_time : seconds (TFRAME, TGROUP).
    frames : frames averaged in a group (NFRAMES).
    gap : frames dropped between groups (GROUPGAP).
    dropped_first : frames dropped before the first group (DRPFRMS1).
    """

    frame_time: float
    group_time: float
    frames: int
    gap: int = 0
    dropped_first: int = 0

    @property
    def first_group_time(self) -> float:
        """Mean time since the reset of the frames in the first group, seconds."""
        return 0.5 * (self.frames + 1) * self.frame_time

    @property
    def first_group_position(self) -> float:
        """Mean time since the reset of the frames in the first group, in units of the group time."""
        return (0.5 * (self.frames + 1) + self.dropped_first) / (self.frames + self.gap)
