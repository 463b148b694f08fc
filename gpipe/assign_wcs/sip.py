"""A WCS of FITS keywords that approximates the exact one: a projection and polynomials (SIP)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEGREES = range(1, 6)
"""Degrees of polynomials among which the lowest that is good enough is taken."""
_REPLACED = re.compile(r"cdelt[12]|pc[12]_[12]|[ab]p?_order|[ab]p?_\d_\d")


@dataclass(frozen=True)
class SipSettings:
    """Settings of the approximation.

    Attributes
    ----------
    max_error, max_inverse_error : pixels, the greatest error that is allowed, from pixels to the sky and back.
    degree, inverse_degree : of the polynomials, whatever the error; None for the lowest that is good enough.
    points : of the grid along each axis in which the approximation is fitted.
    """

    max_error: float = 0.01
    degree: int | None = None
    max_inverse_error: float = 0.01
    inverse_degree: int | None = None
    points: int = 12


def sip_keywords(wcs: Any, crpix: tuple[float, float] | None, settings: SipSettings) -> dict[str, Any]:
    """Fit the approximation over the bounding box; its keywords, in small letters.

    Parameters
    ----------
    crpix : the reference pixel, from 1; None for one near the centre.

    Raises
    ------
    ValueError, RuntimeError
        The fit fails. If no degree is good enough, gwcs warns.
    """
    header = wcs.to_fits_sip(
        max_pix_error=settings.max_error,
        degree=settings.degree or DEGREES,
        max_inv_pix_error=settings.max_inverse_error,
        inv_degree=settings.inverse_degree or DEGREES,
        npoints=settings.points,
        crpix=crpix,
        projection="TAN",
    )
    return {key.lower(): value for key, value in header.items() if not key.startswith("NAXIS")}


def with_sip(wcsinfo: Mapping[str, Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the linear WCS and an older approximation in ``meta.wcsinfo`` by a new one."""
    kept = {key: value for key, value in wcsinfo.items() if not _REPLACED.fullmatch(key)}
    return {**kept, **keywords}
