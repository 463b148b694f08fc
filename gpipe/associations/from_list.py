"""Associations made of a list of files."""

import os
from collections.abc import Iterable
from typing import Any

import gpipe
from gpipe.associations import schema
from gpipe.exceptions import InputError, ParameterError
from gpipe.suffixes import split_suffix, stem

LEVEL_2, LEVEL_3 = "DMSLevel2bBase", "DMS_Level3_Base"


def asn_from_list(
    items: Iterable[Any],
    rule: Any = LEVEL_3,
    *,
    product_name: str | None = None,
    with_exptype: bool = False,
    asn_id: str = "a3001",
) -> dict[str, Any]:
    """Make an association of files.

    Parameters
    ----------
    items : paths; with ``with_exptype`` pairs of a path and its exptype.
    rule : ``"DMS_Level3_Base"`` for one product of all files, ``"DMSLevel2bBase"`` for one of each science file, which
        the others after it belong to; or a class of that name.
    product_name : of the product of all files, which needs one. Others are named by their science file, without suffix.
    asn_id : part of the names of products of the third stage.

    Returns
    -------
    A dict, which pipelines take as it is, and ``json.dump`` writes.

    Raises
    ------
    ParameterError
        Another rule, or no name for the product.
    InputError
        No files, or a file at level 2 that comes before any science file.
    """
    pairs = [(os.fspath(item[0]), item[1]) if with_exptype else (os.fspath(item), "science") for item in items]
    members = [{"expname": path, "exptype": exptype or "science"} for path, exptype in pairs]
    rule = getattr(rule, "__name__", rule)
    if rule not in (LEVEL_2, LEVEL_3):
        raise ParameterError.at("rule", repr(rule), f"{LEVEL_3!r} or {LEVEL_2!r}")
    if rule == LEVEL_3 and not product_name:
        raise ParameterError.at("product_name", "none", f"one for {LEVEL_3}")
    products = _of_each(members) if rule == LEVEL_2 else [{"name": product_name, "members": members}]
    content = {
        "asn_type": "None",
        "asn_rule": rule,
        "version_id": None,
        "code_version": f"gpipe {gpipe.__version__}",
        "degraded_status": "No known degraded exposures in association.",
        "program": "noprogram",
        "constraints": "No constraints",
        "asn_id": asn_id,
        "target": "none",
        "asn_pool": "none",
        "products": products,
    }
    schema.check(content, "asn_from_list")
    return content


def _of_each(members: Iterable[dict[str, str]]) -> list[dict[str, Any]]:
    """A product for each science member, with the others that follow it."""
    products: list[dict[str, Any]] = []
    for member in members:
        if member["exptype"].lower() == "science":
            products.append({"name": _without_suffix(member["expname"]), "members": []})
        elif not products:
            raise InputError(f"asn_from_list: found {member['expname']} ({member['exptype']}) before any science file")
        products[-1]["members"].append(member)
    return products


def _without_suffix(path: str) -> str:
    """``folder/jw01`` of ``folder/jw01_rate.fits``."""
    folder, name = os.path.split(path)
    return os.path.join(folder, split_suffix(stem(name))[0])
