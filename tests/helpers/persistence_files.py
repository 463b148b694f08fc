"""An exposure with a full header for the trap model, as a file, and what its products are made of."""

import io

import asdf
import numpy as np
from astropy.io import fits

from helpers.persistence_models import COLUMNS, ROWS, arrays, earlier_traps, ramp, references

STEM = "jw00001001001_01101_00002_nrca1"
SUFFIXES = ("trapsfilled", "output_pers")
CASES = {
    "whole-detector": {"seed": 21, "brightest": 60000.0},
    "subarray": {"seed": 22, "brightest": 60000.0, "window": (4, 5, 8, 9), "earlier": True},
}
METADATA = {
    "telescope": "JWST",
    "observation": {"date": "2023-02-25", "time": "00:14:24.000", "visit_id": "00001001001", "exposure_number": "2"},
    "program": {"title": "Simulated", "pi_name": "gpipe", "category": "CAL"},
    "target": {"catalog_name": "SIMULATED", "ra": 80.4875, "dec": -69.4975},
    "visit": {"status": "SUCCESSFUL", "type": "PRIME_TARGETED_FIXED", "tsovisit": False},
    "pointing": {"ra_v1": 80.4875, "dec_v1": -69.4975, "pa_v3": 0.0},
    "wcsinfo": {"wcsaxes": 2, "crpix1": 4.5, "crpix2": 5.0, "crval1": 80.4875, "crval2": -69.4975, "v3yangle": 0.0},
    "cal_step": {"saturation": "COMPLETE", "linearity": "COMPLETE"},
    "ref_file": {"linearity": {"name": "crds://jwst_nircam_linearity_0001.fits"}},
    "instrument": {"module": "A", "channel": "SHORT", "filter": "F200W", "pupil": "CLEAR"},
    "bunit_data": "DN",
}
TIMES = [("integration_number", "i4")]
TIMES += [(f"int_{when}_{scale}", "f8") for scale in ("MJD_UTC", "BJD_TDB") for when in ("start", "mid", "end")]
WRITTEN_BY = {"DATE": "date", "CAL_VER": "calibration_software_version", "CAL_VCS": "calibration_software_revision"}
"""Keywords that tell when a file was written and by what, and their names in the tree."""


def write(case, folder):
    """The exposure in a file of this folder, and the parameters of the step: references and earlier traps."""
    made = arrays(**CASES[case])
    model = ramp(made)
    model.update({"meta": METADATA})
    whole = made["data"].shape[-2:] == (ROWS, COLUMNS)
    model.meta.subarray.name = "FULL" if whole else "SUB64P"
    model.meta.exposure.zero_frame = True
    model.zeroframe = made["data"][:, 0].copy()
    model.int_times = np.zeros(len(made["data"]), dtype=TIMES)
    path = folder / f"{STEM}_linearity.fits"
    model.save(path)
    parameters = {}
    for reftype, reference in references(made).items():
        parameters[f"override_{reftype}"] = str(folder / f"{reftype}.fits")
        reference.save(folder / f"{reftype}.fits")
    if (earlier := earlier_traps(made)) is not None:
        earlier.meta.observation.date = "2023-02-24"
        earlier.meta.target.catalog_name = "ANOTHER"
        earlier.save(folder / "earlier_trapsfilled.fits")
        parameters["input_trapsfilled"] = str(folder / "earlier_trapsfilled.fits")
    return path, parameters


def content(path):
    """Extensions with their dtypes and header cards, and the metadata in the ASDF extension, as JSON has them."""
    with fits.open(path, memmap=False) as hdus:
        extensions = {hdu.name: _extension(hdu) for hdu in hdus if hdu.name != "ASDF"}
        tree = asdf.util.load_yaml(io.BytesIO(hdus["ASDF"].data.tobytes()))
    metadata = {key: value for key, value in tree["meta"].items() if key not in WRITTEN_BY.values()}
    return {"extensions": extensions, "metadata": metadata}


def _extension(hdu):
    dtype = None if hdu.data is None else hdu.data.dtype
    described = dtype if dtype is None or dtype.names is None else [list(column) for column in dtype.descr]
    cards = [list(card) for card in hdu.header.cards if card.keyword not in WRITTEN_BY]
    return {"dtype": described if isinstance(described, list | None) else str(described), "cards": cards}
