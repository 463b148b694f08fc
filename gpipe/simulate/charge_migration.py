"""Charge that does not stay where light falls: bright pixels push part of it to their neighbours (brighter-fatter)."""

import numpy as np

_HERE, _BEFORE, _AFTER = slice(None), slice(None, -1), slice(1, None)
_SIDES = (
    ((_BEFORE, _HERE), (_AFTER, _HERE)),
    ((_AFTER, _HERE), (_BEFORE, _HERE)),
    ((_HERE, _BEFORE), (_HERE, _AFTER)),
    ((_HERE, _AFTER), (_HERE, _BEFORE)),
)
"""Pixels and their neighbours below, above, right and left."""
CONTRAST = 1e5
"""electron, the contrast that the share is quoted for."""
_MOST = 0.2
"""The largest share that one neighbour gets."""


def migrate(
    arriving: np.ndarray, charge: np.ndarray, collects: np.ndarray, *, share: float, onset: float
) -> np.ndarray:
    """Distribute the charge that arrives in a short time over the pixels; no charge is lost.

    The charge of a pixel weakens the field at its edges, which moves them inwards. Each of the four neighbours gets a
    share of the arriving charge, proportional to how much less charge it holds,

        share * (own charge - neighbour's charge) / 100,000 electron.

    Parameters
    ----------
    arriving : electron, float32, (row, column).
    charge : electron, float32, (row, column), held before.
    collects : bool, (row, column), False where a pixel takes no charge.
    share : for a contrast of 100,000 electron.
    onset : electron; pixels that hold less keep what arrives.

    Notes
    -----
    Plazas et al. 2018, PASP 130, 065004 (https://doi.org/10.1088/1538-3873/aab820); Goudfrooij et al. 2024, PASP 136,
    014503 (https://doi.org/10.1088/1538-3873/ad147b).
    """
    got = arriving.copy()
    gives = charge > onset
    for here, there in _SIDES:
        contrast = np.where(gives[here] & collects[there], charge[here] - charge[there], np.float32(0))
        moved = arriving[here] * np.clip(np.float32(share / CONTRAST) * contrast, 0, np.float32(_MOST))
        got[here] -= moved
        got[there] += moved
    return got
