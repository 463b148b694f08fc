"""The readout of an exposure, as far as interference goes."""

from typing import Any

from gpipe.datamodels import Ramp
from gpipe.emicorr.configuration import Configuration
from gpipe.emicorr.readout import OUTPUTS, Readout, has_late_column
from gpipe.exceptions import InputError

READ_PATTERNS = ("FAST", "FASTR1", "SLOW", "SLOWR1")
RESETTING = ("FASTR1", "SLOWR1")
"""Read patterns with a frame between two integrations that is read and dropped."""


def unsuitable(meta: Any) -> str | None:
    """Say why an exposure has nothing to be corrected; None if it has."""
    if str(meta.exposure.readpatt).upper() not in READ_PATTERNS:
        return f"found READPATT {meta.exposure.readpatt}, expected one of {', '.join(READ_PATTERNS)}"
    return None


def check_readout(meta: Any) -> None:
    """Refuse metadata that do not tell the readout."""
    if not meta.exposure.nsamples:
        raise InputError.at("emicorr", "no NSAMPLES", "1 for fast and 9 for slow read patterns")
    if meta.subarray.xsize % OUTPUTS:
        raise InputError.at("emicorr", f"SUBSIZE1 {meta.subarray.xsize}", f"a multiple of {OUTPUTS} (outputs)")


def readout_of(exposure: Ramp, configuration: Configuration, algorithm: str) -> Readout:
    """Describe when each pixel is read, for this algorithm."""
    meta = exposure.meta
    at_right_edge = has_late_column(meta.subarray.xstart, meta.subarray.xsize)
    return Readout(
        shape=exposure.data.shape,
        clocks=configuration.clocks,
        samples=meta.exposure.nsamples,
        resets=meta.exposure.readpatt.upper() in RESETTING,
        late_column=at_right_edge and algorithm == "sequential",  # as in jwst
    )
