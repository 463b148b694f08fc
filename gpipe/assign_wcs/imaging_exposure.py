"""The WCS of an image: what its header and its references say, and what is written into the header."""

import logging
from collections.abc import Mapping
from typing import Any

from gpipe.assign_wcs.filters import AmbiguousRows, filter_offset
from gpipe.assign_wcs.modes import IMAGES
from gpipe.controller import References
from gpipe.datamodels.exposures.in_flight import Described
from gpipe.datamodels.files.warnings import first_line
from gpipe.datamodels.references.checks import contents_of, reference_error
from gpipe.exceptions import InputError
from gpipe.thread_warnings import collected

log = logging.getLogger(__name__)

KEYWORDS = {"ra_ref": "RA_REF", "dec_ref": "DEC_REF", "roll_ref": "ROLL_REF", "v2_ref": "V2_REF", "v3_ref": "V3_REF"}
"""Of ``meta.wcsinfo``, without which there is no WCS."""
_FILTERS = {"NIRCAM": ("filter", "pupil"), "NIRISS": ("filter", "pupil"), "MIRI": ("filter",)}
"""Keywords that a row of the filter offsets must match, by instrument; FGS has no filters."""


def check_image(meta: Any) -> None:
    """Refuse an exposure that is no image, or whose header does not give the direction of the telescope: InputError."""
    name = meta.filename or "the exposure"
    if meta.exposure.type not in IMAGES:
        raise InputError(
            f"{name}: found EXP_TYPE {meta.exposure.type}, whose WCS is not built yet; "
            "expected an image of NIRCam, NIRISS, MIRI or FGS"
        )
    missing = [f"{key} (meta.wcsinfo.{item})" for item, key in KEYWORDS.items() if getattr(meta.wcsinfo, item) is None]
    if missing:
        raise InputError(f"{name}: found no {', '.join(missing)}; expected the pointing of the telescope")
    scale = meta.velocity_aberration.scale_factor
    if scale is not None and not scale > 0:
        where = "VA_SCALE (meta.velocity_aberration.scale_factor)"
        raise InputError(f"{name}: found {scale} for {where}; expected a positive number")


def make_wcs(outline: Described, references: References) -> Any:
    """Make the ``gwcs`` object of an image.

    Raises
    ------
    ReferenceFileError
        A reference holds no transform, or several rows for the exposure's filter.
    """
    from gpipe.assign_wcs.imaging import imaging_wcs
    from gpipe.assign_wcs.pointing import Pointing

    meta = outline.meta
    values = {name: getattr(meta.wcsinfo, name) for name in KEYWORDS}
    pointing = Pointing(**values, aberration=meta.velocity_aberration.scale_factor)
    corner = meta.subarray.xstart, meta.subarray.ystart
    return imaging_wcs(_distortion(references), pointing, outline.shape, corner, _offset(meta, references))


def set_wcs(meta: Any, wcs: Any) -> None:
    """Put the WCS, and the outline of the image in the sky (S_REGION), into the metadata."""
    from gpipe.assign_wcs.footprint import corners_of, s_region

    meta.instance["wcs"] = wcs
    region = s_region(corners_of(wcs))
    if region is None:
        log.warning("S_REGION is not set: a corner of the image is not in the sky")
    else:
        meta.wcsinfo.s_region = region


def set_approximation(meta: Any, wcs: Any, settings: Mapping[str, Any]) -> None:
    """Put the FITS keywords that approximate the WCS into the metadata, with `SipSettings`.

    An approximation that is not as good as was asked for is taken, with a warning. If there is none at all the warning
    says so, and the keywords stay as they are.
    """
    from gpipe.assign_wcs.sip import SipSettings, sip_keywords, with_sip

    info = meta.wcsinfo
    crpix = None if None in (info.crpix1, info.crpix2) else (info.crpix1, info.crpix2)
    try:
        with collected() as complaints:
            keywords = sip_keywords(wcs, crpix, SipSettings(**settings))
    except (ValueError, RuntimeError) as error:
        log.warning("The header gets no SIP approximation of the WCS: %s", first_line(error))
        return
    for complaint in complaints:
        log.warning("SIP approximation of the WCS: %s", str(complaint.message).partition("\n")[0])
    meta.instance["wcsinfo"] = with_sip(info.instance, keywords)


def _distortion(references: References) -> Any:
    from astropy.modeling import Model

    reference = references["distortion"]
    model = reference.tree.get("model")
    if not isinstance(model, Model) or (model.n_inputs, model.n_outputs) != (2, 2):
        found = "nothing" if model is None else f"a {type(model).__name__}"
        raise reference_error(reference.reftype, reference.name, f"found {found} as model", "a transform of two axes")
    return model


def _offset(meta: Any, references: References) -> tuple[float, float] | None:
    reference, keys = references.get("filteroffset"), _FILTERS.get(meta.instrument.name)
    if reference is None or keys is None:
        return None
    wanted = {key: getattr(meta.instrument, key) for key in keys}
    with contents_of(reference, "a list filters, each with a filter, its offsets and, but for MIRI, a pupil"):
        try:
            return filter_offset(reference.tree["filters"], wanted, first=meta.instrument.name == "MIRI")
        except AmbiguousRows as error:
            raise reference_error(reference.reftype, reference.name, f"found {error}", "one") from None
