"""Exposure types by the WCS that they get."""

_IMAGES = """
NRC_IMAGE NRC_TSIMAGE NRC_CORON NRC_FOCUS NRC_TACQ NRC_TACONFIRM NIS_IMAGE NIS_AMI NIS_FOCUS NIS_TACQ NIS_TACONFIRM
MIR_IMAGE MIR_LYOT MIR_4QPM MIR_CORONCAL MIR_TACQ MIR_TACONFIRM FGS_IMAGE FGS_FOCUS
"""
_WITHOUT_SKY = """
NRC_DARK NRC_FLAT NRC_LED NRC_GRISM NIS_DARK NIS_LAMP MIR_DARK MIR_FLAT-IMAGE MIR_FLATIMAGE MIR_FLAT-MRS MIR_FLATMRS
NRS_DARK FGS_DARK FGS_INTFLAT FGS_SKYFLAT
"""
_REFERENCES = """
distortion filteroffset specwcs regions wavelengthrange camera chromcorr collimator disperser fore fpa msa ote ifupost
ifufore ifuslicer
"""

IMAGES = frozenset(_IMAGES.split())
"""Images of the sky by NIRCam, NIRISS, MIRI and FGS."""
WITHOUT_SKY = frozenset(_WITHOUT_SKY.split())
"""Darks, lamps and flats, for which there is no WCS, and NRC_GRISM, for which nobody makes one."""
REFERENCES = tuple(_REFERENCES.split())
"""Types of references of all modes: headers name them all, most as N/A."""
