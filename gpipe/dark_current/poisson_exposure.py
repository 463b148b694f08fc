"""The dark current whose Poisson noise the fit of ramps adds."""

import logging
from collections.abc import Callable
from functools import partial

import numpy as np

from gpipe.arrays import Array
from gpipe.dark_current.dark_sub import known_current, uniform_dark_current
from gpipe.datamodels import Ramp, Reference

log = logging.getLogger(__name__)


def dark_current_of(dark: Reference, value: float | None) -> Callable[[Ramp], tuple[Array, Array | None]]:
    """Choose the given value, else the reference's array, else its keyword, else 0; for any chunk.

    Returns
    -------
    A function that gives the dark current, electron/s, and the flags where it is unknown; None if it is the same for
    all pixels.
    """
    if value is not None:
        log.info("Poisson noise of a dark current of %s electron/s", value)
        return partial(_uniform, value=value)
    keyword = dark.number("exposure.average_dark_current") or 0.0
    # An array of zeros holds no dark current, and the keyword counts.
    if not _has_dark_current(dark) or not np.sum(dark.read("average_dark_current")):
        return partial(_uniform, value=keyword)
    return lambda chunk: known_current(dark.plane("average_dark_current", chunk))


def _uniform(chunk: Ramp, *, value: float) -> tuple[Array, None]:
    return uniform_dark_current(chunk.data, value), None


def _has_dark_current(dark: Reference) -> bool:
    if not dark.has("average_dark_current"):
        return False
    found, expected = dark.shape("average_dark_current"), dark.shape("data")[-2:]
    if found != expected:
        log.warning("%s: found a dark current of shape %s, expected %s; it is not used", dark.name, found, expected)
    return found == expected
