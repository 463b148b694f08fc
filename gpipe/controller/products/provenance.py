"""Provenance in a product's header (``S_*`` keywords are set by the loop over the steps)."""

from collections.abc import Mapping
from typing import Any

import gpipe


def record(
    meta: Any, references: Mapping[str, str], *, context: str | None = None, crds_version: str | None = None
) -> None:
    """Write software and reference names into the metadata tree of a product, in place.

    Parameters
    ----------
    meta : ``stdatamodels`` metadata tree.
    references : name by reference type: ``crds://NAME``, a path, ``override://ModelClass`` or ``N/A``. Where steps used
        different files of one type the caller gives that of the last step: there is one keyword for a type.
    context, crds_version : of CRDS, in force in this run; None without CRDS.

    Notes
    -----
    CAL_VER is ``gpipe 0.1.0``, so that nobody takes the product for one of ``jwst``; CAL_VCS is ``RELEASE``, or what
    follows the ``+`` of the version of a development copy. R_* are ``meta.ref_file.<reftype>.name``; a type without a
    keyword in the JWST schemas is left out. CRDS_CTX and CRDS_VER stay as they are in a run without CRDS.
    """
    meta.calibration_software_version = f"gpipe {gpipe.__version__}"
    meta.calibration_software_revision = gpipe.__version__.partition("+")[2] or "RELEASE"
    known = _reference_types(meta)
    for reftype, name in references.items():
        if reftype in known:
            getattr(meta.ref_file, reftype).name = name
    if context is not None:
        meta.ref_file.crds.context_used = context
    if crds_version is not None:
        meta.ref_file.crds.sw_version = crds_version


def _reference_types(meta: Any) -> set[str]:
    """Reference types that have a keyword in the schema of this product."""
    properties = meta.ref_file._schema.get("properties", {})
    return {reftype for reftype, schema in properties.items() if "name" in schema.get("properties", {})}
