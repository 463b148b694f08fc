"""The refpix step with SIRS: whether it applies, and the kernels of a detector."""

import logging
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.datamodels import Described, Reference
from gpipe.datamodels.exposures.instruments import is_irs2
from gpipe.datamodels.references.checks import contents_of
from gpipe.exceptions import ReferenceFileError
from gpipe.refpix.amplifiers import AMPLIFIERS
from gpipe.refpix.sirs import convolution_kernels

log = logging.getLogger(__name__)

SIDES = ("gamma", "zeta")
"""Names of the coefficients of the left and right reference pixels in the reference."""


def applies_to(meta: Any) -> bool:
    """Tell whether SIRS can correct an exposure: a full frame of the near infrared in traditional readout."""
    subarray = meta.subarray
    full = "FULL" in str(subarray.name) and subarray.xsize == subarray.ysize == DETECTOR_SIZE
    return full and not is_irs2(meta)


def check_kernels(detector: str, sirskernel: Reference | None) -> None:
    """Refuse a reference whose coefficients for the detector are not one series for each amplifier."""
    if sirskernel is None:
        return
    for name in _names(detector, sirskernel):
        shape = sirskernel.shape(name)
        if len(shape) != 2 or shape[0] != AMPLIFIERS or shape[1] < 2:
            raise ReferenceFileError(
                f"sirskernel reference {sirskernel.name}: found {name} of shape {shape}; expected {AMPLIFIERS} series"
            )
        with contents_of(sirskernel, f"complex numbers in {name}"):
            np.asarray(sirskernel.read(name)).astype(np.complex128)


def side_kernels(
    exposure: Described, sirskernel: Reference | None, *, gaussmooth: float, halfwidth: int
) -> Array | None:
    """Return the kernels of the exposure's detector, (side, amplifier, tap), on its device; None if it has none."""
    detector = exposure.meta.instrument.detector
    names = _names(detector, sirskernel) if sirskernel else []
    if not sirskernel or not names:
        log.warning("No SIRS kernels for %s: the running median of its side pixels is used", detector)
        return None
    coefficients = np.stack([sirskernel.read(name) for name in names]).astype(np.complex128)
    return convolution_kernels(exposure.backend.to_device(coefficients), gaussmooth=gaussmooth, halfwidth=halfwidth)


def _names(detector: str, sirskernel: Reference) -> list[str]:
    names = [f"{detector.lower()}.{side}" for side in SIDES]
    return names if all(sirskernel.has(name) for name in names) else []
