"""Integrations of an exposure, one by one.

Functions that could work on all integrations at once go through them in a loop, and refer to this page. The reason is
memory. An exposure may have thousands of integrations, and each temporary array of a formula (a mask, a corrected copy,
a sum in int64 with eight bytes for one byte of flags) would be as large as the exposure or larger. In a loop it is as
large as one integration. The values are the same, as no integration depends on another one.
"""

from collections.abc import Callable

from array_api_compat import array_namespace

from gpipe.arrays.types import Array


def stack_integrations(function: Callable[[Array], Array], x: Array) -> Array:
    """Stack what a function gives for each integration of ``x``: (integration, …)."""
    xp = array_namespace(x)
    return xp.stack([function(x[i, ...]) for i in range(x.shape[0])], axis=0)
