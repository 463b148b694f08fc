"""Rows of which a group is of no use."""

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays.integrations import stack_integrations
from gpipe.arrays.types import Array


def unusable_rows(groupdq: Array) -> Array:
    """Find rows of which every pixel is DO_NOT_USE in a group: bool, (integration, group, row).

    Parameters
    ----------
    groupdq : uint8, (integration, group, row, column).
    """
    xp = array_namespace(groupdq)
    return stack_integrations(lambda flags: xp.all((flags & dq.DO_NOT_USE) != 0, axis=-1), groupdq)
