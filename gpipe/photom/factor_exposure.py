"""The factor of an exposure, by its optical elements and its date, out of a photom reference."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from gpipe.controller import Skip
from gpipe.datamodels import Reference
from gpipe.datamodels.references.checks import contents_of, reference_error
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.photom.rows import matching_rows
from gpipe.photom.time_dependence import LAWS, throughput

log = logging.getLogger(__name__)

TABLE, FACTOR = "phot_table", "photmjsr"
Columns = Mapping[str, np.ndarray]


def check_photom(photom: Reference) -> None:
    """Refuse a reference without factors, or whose tables are not alike row for row: ReferenceFileError."""
    rows, columns = photom.columns(TABLE)
    if FACTOR not in columns:
        raise _error(photom, f"found the columns {', '.join(columns)} in {TABLE}", f"{FACTOR} among them")
    factors = _columns(photom, TABLE)
    for name, law in _laws(photom).items():
        if missing := [column for column in LAWS[name][1] if column not in law]:
            raise _error(photom, f"found no column {', '.join(missing)} in {name}", "the parameters of its law")
        if photom.columns(name)[0] != rows or not _alike(factors, law):
            found = f"found {photom.columns(name)[0]} rows in {name}"
            raise _error(photom, found, f"those of {TABLE}, {rows}, in their order")


def factor_of(meta: Any, photom: Reference, *, with_time: bool) -> np.floating[Any]:
    """Find the factor from DN/s to MJy/sr: float32 as in the reference, float64 where it changes with time.

    Skip: the reference has no row for the exposure. ReferenceFileError: it has several. InputError: no EXPMID.
    """
    row = _row(meta, photom)
    factor: np.floating[Any] = _columns(photom, TABLE)[FACTOR][row]
    laws = _laws(photom) if with_time else {}
    time = meta.exposure.mid_time
    if laws and time is None:
        raise InputError(f"{meta.filename}: found no EXPMID, expected the middle of the exposure [MJD]")
    left = throughput(time, laws, row)
    if left != 1.0:
        log.debug("Throughput at the time of the exposure, relative to that of the reference: %.6g", left)
        return np.float64(factor) / left
    return factor


def _columns(photom: Reference, table: str) -> Columns:
    found = photom.read(table)
    return {name: found[name] for name in found.dtype.names or ()}


def _laws(photom: Reference) -> dict[str, Columns]:
    return {name: _columns(photom, name) for name in LAWS if photom.has(name)}


def _row(meta: Any, photom: Reference) -> int:
    if str(meta.instrument.name).upper() == "FGS":
        return 0
    table = _columns(photom, TABLE)
    candidates = _candidates(meta, "subarray" in table)
    for wanted in candidates:
        with contents_of(photom, f"the columns {', '.join(wanted)} in {TABLE}"):
            rows = matching_rows({name: table[name].tolist() for name in wanted}, wanted)
        if len(rows) > 1:
            raise _error(photom, f"found {len(rows)} rows for {_text(wanted)}", "one")
        if rows:
            return rows[0]
    raise Skip(f"{photom.name} has no row for {' or '.join(map(_text, candidates))}")


def _candidates(meta: Any, by_subarray: bool) -> list[dict[str, Any]]:
    """List what to look for, one after the other."""
    optics, subarray = meta.instrument, meta.subarray.name
    instrument = str(optics.name).upper()
    if instrument == "MIRI":
        return [{"filter": optics.filter, "subarray": name} for name in (subarray, "GENERIC")]
    elements = {"filter": optics.filter, "pupil": optics.pupil}
    return [elements | {"subarray": subarray} if instrument == "NIRCAM" and by_subarray else elements]


def _alike(factors: Columns, law: Columns) -> bool:
    """Tell whether the columns of texts that two tables share are the same."""
    texts = [name for name in factors if name in law and factors[name].dtype.kind in "SU"]
    return all(factors[name].tolist() == law[name].tolist() for name in texts)


def _text(wanted: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.upper()}={value}" for name, value in wanted.items())


def _error(photom: Reference, found: str, expected: str) -> ReferenceFileError:
    return reference_error("photom", photom.name, found, expected)
