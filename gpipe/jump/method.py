"""Choice of the method to find jumps in an exposure."""

from collections.abc import Sequence
from enum import Enum

from array_api_compat import array_namespace

from gpipe.arrays import Array


class Method(Enum):
    """Method to find jumps."""

    ITERATIVE = "iterative"
    SINGLE_PASS = "single pass"
    SIGMA_CLIP = "sigma clipping"


def unusable_groups(rows: Array) -> Array:
    """Count the groups of each integration that are DO_NOT_USE in every pixel: int64, (integration,).

    Parameters
    ----------
    rows : bool, (integration, group, row), of ``unusable_rows``.
    """
    xp = array_namespace(rows)
    return xp.sum(xp.astype(xp.all(rows, axis=-1), xp.int64), axis=-1, dtype=xp.int64)


def choose_method(
    unusable: Sequence[int],
    groups: int,
    *,
    minimum_groups: int,
    minimum_sigclip_groups: int,
    only_use_ints: bool,
    min_diffs_single_pass: int,
) -> Method | None:
    """Choose the method for an exposure; None if it has too few groups for any.

    Sigma clipping needs enough integrations, or with ``only_use_ints`` off enough groups in all integrations together.
    Else two-point differences are used if each integration has enough groups, in a single pass if it has enough
    differences.

    Parameters
    ----------
    unusable : for each integration, the number of its groups that no pixel can use.
    groups : in an integration.
    """
    samples = len(unusable) if only_use_ints else len(unusable) * groups - sum(unusable)
    if samples >= minimum_sigclip_groups:
        return Method.SIGMA_CLIP
    usable = groups - max(unusable)
    if usable < minimum_groups:
        return None
    return Method.SINGLE_PASS if usable - 1 >= min_diffs_single_pass else Method.ITERATIVE
