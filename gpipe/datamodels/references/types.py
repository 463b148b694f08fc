"""Contents of each reference type of the detector steps, as its ``stdatamodels`` schema has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from numbers import Real
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number of a header.

    Attributes
    ----------
    least : whole numbers are not below it, others above it.
    whole : whether fractions are refused.
    """

    least: float
    whole: bool = True

    def refuses(self, value: Any) -> str | None:
        """Describe what is expected in place of a value; None if that is allowed, or not given."""
        if value is None or (isinstance(value, Real) and not isinstance(value, bool) and self._allows(float(value))):
            return None
        return ", ".join(["a number", *(["whole"] if self.whole else []), *self._bound()])

    def _allows(self, value: float) -> bool:
        if self.whole:
            return value.is_integer() and value >= self.least
        return isfinite(value) and value > self.least

    def _bound(self) -> list[str]:
        if self.least == -inf:
            return []
        return [f"{self.least} or more"] if self.whole else [f"above {self.least}"]


NUMBERS = {
    "subarray.xstart": Number(-inf),
    "subarray.ystart": Number(-inf),
    "subarray.xsize": Number(-inf),
    "subarray.ysize": Number(-inf),
    "exposure.nints": Number(0),
    "exposure.ngroups": Number(0),
    "exposure.nframes": Number(1),
    "exposure.groupgap": Number(0),
    "exposure.average_dark_current": Number(-inf, whole=False),
    "exposure.gain_factor": Number(0, whole=False),
    "photometry.pixelarea_steradians": Number(0, whole=False),
    "photometry.pixelarea_arcsecsq": Number(0, whole=False),
}
"""Numbers that headers may give, by path in the metadata tree."""
PIXEL_AREAS = ("photometry.pixelarea_steradians", "photometry.pixelarea_arcsecsq")
SAMPLING = ("exposure.nframes", "exposure.groupgap")


@dataclass(frozen=True)
class ReferenceType:
    """A type of reference whose pixels are those of a detector.

    Attributes
    ----------
    model : name of its ``stdatamodels`` class.
    dimensions : how many axes the primary array may have.
    primary : the array that says which part of the detector is covered.
    others : how many axes other arrays may have; flags have two where nothing is said.
    planes : the fewest planes of an array of more than two axes.
    numbers : paths of the numbers, of `NUMBERS`, that steps use.
    may_be_smaller : whether a step is skipped, and the run not refused, if the array is smaller than the exposure.
    """

    model: str
    dimensions: tuple[int, ...]
    primary: str = "data"
    others: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    planes: int = 1
    numbers: tuple[str, ...] = ()
    may_be_smaller: bool = False

    @property
    def axes(self) -> Mapping[str, tuple[int, ...]]:
        """Numbers of axes that each array may have, the primary one first."""
        return {self.primary: self.dimensions, **({} if self.primary == "dq" else {"dq": (2,)}), **self.others}


TYPES = {
    "area": ReferenceType("PixelAreaModel", (2,), numbers=PIXEL_AREAS),
    "dark": ReferenceType(
        "DarkModel",
        (3, 4),
        others={"dq": (2, 4)},
        numbers=(*SAMPLING, "exposure.average_dark_current"),
    ),
    "flat": ReferenceType("FlatModel", (2,), may_be_smaller=True),
    "gain": ReferenceType("GainModel", (2,), numbers=("exposure.gain_factor",)),
    "ipc": ReferenceType("IPCModel", (2, 4)),
    "linearity": ReferenceType("LinearityModel", (3,), "coeffs", others={"inv_coeffs": (3,)}, planes=2),
    "mask": ReferenceType("MaskModel", (2,), "dq"),
    "persat": ReferenceType("PersistenceSatModel", (2,)),
    "pictureframe": ReferenceType("PictureFrameModel", (2,)),
    "readnoise": ReferenceType("ReadnoiseModel", (2,)),
    "reset": ReferenceType("ResetModel", (4,), numbers=("exposure.nints", "exposure.ngroups")),
    "saturation": ReferenceType("SaturationModel", (2,)),
    "superbias": ReferenceType("SuperBiasModel", (2,)),
    "trapdensity": ReferenceType("TrapDensityModel", (2,)),
    "trapsfilled": ReferenceType("TrapsFilledModel", (3,)),
}

# Attribute names of stdatamodels and the extensions that hold them; every other extension is the name in capitals.
EXTENSIONS = {
    "data": "SCI",
    "average_dark_current": "AVDRKCUR",
    "dark_rate": "DRK",
    "dark_rate_unc": "UNC",
    "dq_table": "DQ",
    "phot_table": "PHOTOM",
    "irs2_table": "IRS2",
    "rscd_group_skip_table": "RSCD_GROUP_SKIP",
    "trappars_table": "TRAPPARS",
}


def extension(array: str) -> str:
    """EXTNAME of an attribute."""
    return EXTENSIONS.get(array, array.upper())
