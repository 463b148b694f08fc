"""Exposures of which a step asks where light falls, by a WCS, and the references of their optics."""

import numpy as np

from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene
from helpers import optics
from helpers.flicker_kinds import FLICKER

WARM = NoiseEffects(picture_frame=0.05, one_over_f=1.5)
GRATING = {"grating": "G140M", "filter": "F100LP", "readpatt": "NRSRAPID", "scene": Scene(background=0.3, density=1e-4)}
LINEAR = DetectorEffects(nonlinearity=False)
FULL = {"detector": "NRS1", "ngroups": 3, "noise": WARM, "pixels": LINEAR, **GRATING}

STAR = Scene(background=2.0, density=2e-3, brightest=3e3)
SMALL = {"ngroups": 5, "nints": 4, "noise": FLICKER, "pixels": LINEAR}
LIGHT = np.float32([1, 1.03, 0.96, 1.01])
SERIES = {
    "NRC_TSIMAGE": ExposureConfig(
        detector="NRCALONG", readpatt="RAPID", subarray="SUB64P", exp_type="NRC_TSIMAGE", scene=STAR, **SMALL
    ),
    "NRC_TSGRISM": ExposureConfig(
        detector="NRCALONG",
        readpatt="RAPID",
        subarray="SUBGRISM64",
        exp_type="NRC_TSGRISM",
        pupil="GRISMR",
        filter="F444W",
        scene=Scene(background=2.0, density=0.0, spectrum=800.0),
        **SMALL,
    ),
    "NRS_BRIGHTOBJ": ExposureConfig(
        detector="NRS1",
        subarray="SUB512",
        exp_type="NRS_BRIGHTOBJ",
        **GRATING | {"scene": Scene(background=0.3, density=0.0, spectrum=800.0)},
        **SMALL,
    ),
    "NIS_SOSS": ExposureConfig(
        detector="NIS", readpatt="NISRAPID", subarray="SUBSTRIP256", exp_type="NIS_SOSS", scene=STAR, **SMALL
    ),
    "MIR_IMAGE": ExposureConfig(
        detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB64", scene=STAR, **SMALL | {"ngroups": 8}
    ),
}


def mos(model):
    optics.msa_metadata("elsewhere/mine_msa.fits")
    model.meta.instrument.msa_metadata_file, model.meta.instrument.msa_metadata_id = "mine_msa.fits", 1


def references(kind, folder):
    if kind == "NRC_TSGRISM":
        return optics.of_a_grism(folder)
    if kind == "NRS_BRIGHTOBJ":
        return optics.of_nirspec(folder)
    if kind == "NIS_SOSS":
        return optics.soss_backgrounds(folder)
    if kind == "MIR_IMAGE":
        return optics.of_an_imager(folder, pixel_scale=0.11, name="MIRI", detector="MIRIMAGE")
    return optics.of_an_imager(folder, name="NIRCAM", module="A", channel="LONG", detector="NRCALONG")


def variable(model):
    """A star that changes, where its aperture is."""
    meta = model.meta
    meta.wcsinfo.siaf_xref_sci, meta.wcsinfo.siaf_yref_sci = 32.0, 32.0
    meta.visit.tsovisit, meta.instrument.pupil_position = True, 245.85
    model.data *= LIGHT.reshape(-1, *(1,) * (model.data.ndim - 1))
