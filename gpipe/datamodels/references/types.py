"""Contents of each reference type of the detector steps, as its ``stdatamodels`` schema has them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceType:
    """A type of reference whose pixels are those of a detector.

    Attributes
    ----------
    model : name of its ``stdatamodels`` class.
    dimensions : how many axes the primary array may have.
    primary : the array that says which part of the detector is covered.
    """

    model: str
    dimensions: tuple[int, ...]
    primary: str = "data"


TYPES = {
    "dark": ReferenceType("DarkModel", (3, 4)),
    "flat": ReferenceType("FlatModel", (2,)),
    "gain": ReferenceType("GainModel", (2,)),
    "ipc": ReferenceType("IPCModel", (2, 4)),
    "linearity": ReferenceType("LinearityModel", (3,), "coeffs"),
    "mask": ReferenceType("MaskModel", (2,), "dq"),
    "persat": ReferenceType("PersistenceSatModel", (2,)),
    "pictureframe": ReferenceType("PictureFrameModel", (2,)),
    "readnoise": ReferenceType("ReadnoiseModel", (2,)),
    "reset": ReferenceType("ResetModel", (4,)),
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
    "irs2_table": "IRS2",
    "rscd_group_skip_table": "RSCD_GROUP_SKIP",
    "trappars_table": "TRAPPARS",
}


def extension(array: str) -> str:
    """EXTNAME of an attribute."""
    return EXTENSIONS.get(array, array.upper())
