"""Number of groups left out at the start of an integration."""

from collections.abc import Iterable
from dataclasses import dataclass

FEWEST_GROUPS = 3
SHORT_RAMP = 5
LEFT_OVER = 3
"""Groups that must remain: two for a slope and the last one, which lastframe flags."""
UNKNOWN = -1


@dataclass(frozen=True)
class GroupSkips:
    """Groups to leave out at the start of the first integration of an exposure, and of all later ones; none below 0."""

    first: int
    later: int

    def limited_to(self, groups: int) -> "GroupSkips":
        """Limit the skips to the groups that an integration of this length can spare; one in short integrations."""
        most = max(groups - LEFT_OVER, 0)
        wanted = (1, 1) if groups <= SHORT_RAMP else (self.first, self.later)
        return GroupSkips(*(max(min(count, most), 0) for count in wanted))


def find_skips(rows: Iterable[tuple[str, str, int, int]], subarray: str, readpatt: str) -> GroupSkips | None:
    """Find the first row of the table for this subarray and read pattern; None if the table has none.

    Parameters
    ----------
    rows : subarray, read pattern, groups of the first integration (UNKNOWN in tables of an old kind), of later ones.
    """
    wanted = ("SLITLESSPRISM" if subarray.upper() == "SUBPRISM" else subarray, readpatt)
    return next((GroupSkips(int(first), int(later)) for *key, first, later in rows if tuple(key) == wanted), None)
