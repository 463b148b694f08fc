"""Light on a NIRSpec detector: what a step needs to know of an exposure, and the pixels that it falls on."""

from typing import Any

from gpipe.arrays import Array
from gpipe.background_mask.later_stages_exposure import require
from gpipe.background_mask.nirspec_light_host import lit_pixels, missing, needs_wcs
from gpipe.background_mask.scene import science_pixels
from gpipe.datamodels import Rate


def require_light(parameter: str, meta: Any, *, open_shutters: bool, instead: str) -> None:
    """ParameterError where an exposure lacks what tells where light falls, and jwst cannot be asked for it.

    Parameters
    ----------
    parameter : the one that is True, with the name of its step.
    open_shutters : whether shutters that failed open count.
    instead : values that need nothing.
    """
    lacking = needs_wcs(meta) and missing(meta, open_shutters=open_shutters)
    if lacking:
        require(parameter, f"True, but {meta.filename} has {lacking}", instead)


def lit_science(rates: Rate) -> Array:
    """Pixels that may be lit through slits, slices and shutters: bool, (row, column)."""
    lit = lit_pixels(rates.meta, rates.data.shape[-2:])
    return science_pixels(rates.backend.to_device(lit), rates.dq)
