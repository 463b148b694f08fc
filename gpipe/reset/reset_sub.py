"""What the reset of the detector leaves behind in the first groups of an integration."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.planes import subtract_from_groups


@dataclass(frozen=True)
class ResetSubtracted:
    """Attributes: ``data`` float32 (integration, group, row, column), DN; ``pixeldq`` uint32 (row, column)."""

    data: Array
    pixeldq: Array


def subtract_reset(data: Array, pixeldq: Array, resets: Sequence[Array], reset_dq: Array) -> ResetSubtracted:
    """Subtract the reset anomaly from the first groups of every integration, and take over its flags.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN.
    pixeldq : uint32, (row, column).
    resets : for each integration, float32, (group, row, column), DN: the anomaly of the first groups, at most as many
        as the data have; no NaN.
    reset_dq : uint32, (row, column).

    Returns
    -------
    New arrays. Errors are unaffected by this step.

    Notes
    -----
    out[i, g] = data[i, g] - reset[i][g]; pixeldq | reset_dq.
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/reset/description.html
    """
    check_integrations(data, resets)
    return ResetSubtracted(subtract_from_groups(data, resets), pixeldq | reset_dq)


def check_integrations(data: Array, resets: Sequence[Array]) -> None:
    """There must be a reset anomaly for each integration."""
    if len(resets) != data.shape[0]:
        raise ValueError(f"found resets of {len(resets)} integrations for data of {data.shape[0]}")


def known_reset(reset: Array) -> Array:
    """The anomaly (group, row, column), 0 where it is not known: NaN."""
    xp = array_namespace(reset)
    return xp.where(xp.isnan(reset), 0.0, reset)
