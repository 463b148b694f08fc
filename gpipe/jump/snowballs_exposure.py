"""The jump step's search for snowballs."""

from gpipe.arrays import Array
from gpipe.datamodels import Ramp
from gpipe.jump.settings import SnowballSettings


def with_snowballs(exposure: Ramp, groupdq: Array, settings: SnowballSettings) -> tuple[Array, int]:
    """Add the flags of snowballs to ``groupdq`` of an exposure; also return the number of snowballs."""
    # SciPy is imported only where snowballs are looked for.
    from gpipe.jump.groups_host import group_finder
    from gpipe.jump.snowballs_host import flag_snowballs

    found = flag_snowballs(groupdq, settings, group_finder(exposure.backend, "Snowballs"))
    return found.groupdq, found.count
