"""Groups of a dark that make up each group of an exposure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sampling:
    """Frames of a group, and frames dropped between groups.

    Attributes
    ----------
    nframes : frames averaged in a group.
    groupgap : frames dropped between groups.
    """

    nframes: int
    groupgap: int

    def dark_groups(self, dark: "Sampling", ngroups: int) -> list[range] | None:
        """Find the groups of the dark to average, for each of ``ngroups`` groups of this sampling.

        A dark of the same sampling is used group by group. A dark of single frames without gaps is averaged like the
        exposure. No other dark can be brought to this sampling: None.
        """
        if self == dark:
            return [range(group, group + 1) for group in range(ngroups)]
        if dark != Sampling(nframes=1, groupgap=0):
            return None
        stride = self.nframes + self.groupgap
        return [range(group * stride, group * stride + self.nframes) for group in range(ngroups)]

    def __str__(self) -> str:
        return f"NFRAMES={self.nframes}, GROUPGAP={self.groupgap}"
