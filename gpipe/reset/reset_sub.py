"""Subtraction of the signal that a reset of the detector leaves in the first groups of an integration."""

from collections.abc import Sequence

from gpipe.arrays import Array
from gpipe.arrays.planes import PlanesSubtracted, subtract_planes

ResetSubtracted = PlanesSubtracted


def subtract_reset(data: Array, pixeldq: Array, resets: Sequence[Array], reset_dq: Array) -> ResetSubtracted:
    """Subtract the reset anomaly from the first groups of every integration; as `subtract_planes`.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/reset/description.html
    """
    check_integrations(data, resets)
    return subtract_planes(data, pixeldq, resets, reset_dq)


def check_integrations(data: Array, resets: Sequence[Array]) -> None:
    """Check that each integration has a reset anomaly."""
    if len(resets) != data.shape[0]:
        raise ValueError(f"found resets of {len(resets)} integrations for data of {data.shape[0]}")
