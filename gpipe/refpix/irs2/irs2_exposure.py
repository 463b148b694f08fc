"""The refpix step for NIRSpec IRS2 readout."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.blocks import in_waves
from gpipe.arrays.interleaved import BLOCK, FRAME_ROWS, OUTPUTS, READS, science_rows
from gpipe.controller import Skip
from gpipe.datamodels import Ramp, Reference
from gpipe.datamodels.references.checks import contents_of
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.refpix.irs2.bad_reads import find_bad_reads, flag_reads, reads_of_table
from gpipe.refpix.irs2.correction import correct_irs2
from gpipe.refpix.irs2.means import output_levels
from gpipe.refpix.irs2.streams import row_length
from gpipe.refpix.irs2.weights import Weights, weights_of_real
from gpipe.refpix.orientation import Orientation

log = logging.getLogger(__name__)

OF_PIXEL, OF_PIXEL_AND_WORKER = 30, 6
"""Bytes of a pixel for the mean, the first group and the weights; and for the streams of each thread. Measured."""
_NAMES = tuple(f"{kind}_{output}" for kind in ("alpha", "beta") for output in range(4))


@dataclass(frozen=True, kw_only=True)
class Irs2Settings:
    """Settings of the correction of IRS2 readout.

    Attributes
    ----------
    bad_read_limit : standard deviations beyond which a reference read is bad.
    subtract_means : whether the mean levels of outputs are subtracted first.
    odd_even_columns, siglimit : of these means, as for `output_levels`.
    keep_reference_pixels : whether the rows of reference pixels stay.
    workers : threads; the result does not depend on it.
    """

    bad_read_limit: float
    subtract_means: bool
    odd_even_columns: bool
    siglimit: float
    keep_reference_pixels: bool
    workers: int


def irs2_settings(given: Mapping[str, Any], *, workers: int) -> Irs2Settings:
    """Settings with the values of the step's parameters by their names."""
    return Irs2Settings(
        bad_read_limit=given["ovr_corr_mitigation_ftr"],
        subtract_means=given["irs2_mean_subtraction"],
        odd_even_columns=given["odd_even_columns"],
        siglimit=given["siglimit"],
        keep_reference_pixels=given["preserve_irs2_refpix"],
        workers=workers,
    )


def irs2_workspace(shape: Sequence[int], *, workers: int) -> int:
    """Count the bytes beside an exposure of this shape while it is corrected in its place."""
    _, groups, rows, columns = shape
    return rows * columns * (OF_PIXEL + OF_PIXEL_AND_WORKER * min(workers, groups))


def check_irs2(meta: Any, refpix: Reference | None) -> None:
    """Refuse another interleaving than 16 normal and 4 reference pixels, and a reference without its weights."""
    found = meta.exposure.nrs_normal, meta.exposure.nrs_reference
    if found not in ((BLOCK - READS, READS), (None, None)):
        raise InputError(f"refpix: found NRS_NORM {found[0]}, NRS_REF {found[1]}; expected {BLOCK - READS}, {READS}")
    if refpix is None:
        return
    if not refpix.has("irs2_table"):
        raise ReferenceFileError(f"refpix reference {refpix.name}: found no IRS2 table; expected the weights in one")
    rows, columns = refpix.columns("irs2_table")
    missing = [name for name in _NAMES if columns.get(name, np.dtype(bool)).kind not in "iuf"]
    if missing:
        raise ReferenceFileError(
            f"refpix reference {refpix.name}: found no column {missing[0]}; expected one of numbers"
        )
    _check_rows(refpix, rows, (FRAME_ROWS, meta.subarray.xsize))
    if refpix.has("dq_table"):
        _reads_of_reference(refpix, FRAME_ROWS)


def apply_irs2(exposure: Ramp, orientation: Orientation, refpix: Reference | None, settings: Irs2Settings) -> Ramp:
    """Flag bad reference pixels, subtract correlated noise and leave the 2048 rows of normal pixels."""
    if refpix is None:
        raise Skip("no refpix reference; the reference pixels of IRS2 readout stay, which later steps refuse")
    limit, workers = settings.bad_read_limit, settings.workers
    found = find_bad_reads(exposure.data, exposure.pixeldq, limit=limit, workers=workers)
    log.info("Outliers among reference reads: %d", exposure.backend.to_host(found).sum())
    data = correct_irs2(
        exposure.data,
        _weights(exposure, refpix, workers),
        orientation,
        bad_reads=found,
        named_reads=_named_by_reference(exposure, orientation, refpix),
        levels=_levels(exposure, found, orientation, settings) if settings.subtract_means else None,
        keep_reference_pixels=settings.keep_reference_pixels,
        overwrite=exposure.overwritable,
        workers=workers,
        native=exposure.backend.native,
    )
    if settings.keep_reference_pixels:
        return replace(exposure, data=data, pixeldq=flag_reads(exposure.pixeldq, found))
    return _science(exposure, data, reference_first=orientation.fastaxis > 0)


def _levels(exposure: Ramp, bad: Array, orientation: Orientation, settings: Irs2Settings) -> Array:
    return output_levels(
        exposure.data,
        flag_reads(exposure.pixeldq, bad),
        orientation,
        odd_even_columns=settings.odd_even_columns,
        siglimit=settings.siglimit,
    )


def _weights(exposure: Ramp, refpix: Reference, threads: int) -> Weights:
    frame = exposure.data.shape[-2:]
    both = refpix.cached(("weights of real streams", frame), exposure, lambda: _read_weights(exposure, refpix, threads))
    return Weights(both[: OUTPUTS - 1, ...], both[OUTPUTS - 1 :, ...])


def _read_weights(exposure: Ramp, refpix: Reference, threads: int) -> Array:
    table = refpix.read("irs2_table")
    _check_rows(refpix, len(table), exposure.data.shape[-2:])
    xp, to_device = array_namespace(exposure.data), exposure.backend.to_device

    def one(column: np.ndarray) -> Array:
        return weights_of_real(to_device(column.astype(np.float32)))

    for k, (_, chunk) in enumerate(in_waves(one, _columns(table, _NAMES, refpix), workers=threads)):
        if k == 0:
            weights = xp.empty((len(_NAMES), *chunk.shape), dtype=chunk.dtype, device=device(chunk))
        weights[k, ...] = chunk
    return weights


def _named_by_reference(exposure: Ramp, orientation: Orientation, refpix: Reference) -> Array | None:
    """Bad reads of the reference's DQ table, in the order of the rows; None without a table."""
    if not refpix.has("dq_table"):
        log.warning("refpix reference %s names no bad reference pixels (it has no DQ table)", refpix.name)
        return None
    bad = _reads_of_reference(refpix, exposure.data.shape[-2])
    log.info("Reference reads that the reference file flags as bad: %d", bad.sum())
    return exposure.backend.to_device(bad if orientation.fastaxis > 0 else np.flip(bad).copy())


def _check_rows(refpix: Reference, found: int, frame: tuple[int, ...]) -> None:
    """Refuse other numbers of weights than frequencies of a frame, each with a real and an imaginary part."""
    rows, columns = frame
    expected = 2 * columns * row_length(rows // OUTPUTS)
    if found != expected:
        raise ReferenceFileError(f"refpix reference {refpix.name}: found {found} rows; expected {expected}")


def _reads_of_reference(refpix: Reference, frame_rows: int) -> np.ndarray:
    """Bad reads of the reference's DQ table, as `reads_of_table`."""
    columns = _columns(refpix.read("dq_table"), ("output", "odd_even", "mask"), refpix)
    with contents_of(refpix, f"outputs 1 to {OUTPUTS - 1}, odd_even 1 or 2, and masks in its DQ table"):
        rows = [(int(output), int(pixel), int(mask)) for output, pixel, mask in zip(*columns, strict=True)]
        if unknown := [row for row in rows if not 1 <= row[0] < OUTPUTS or row[1] not in (1, 2)]:
            raise ValueError(f"OUTPUT {unknown[0][0]}, ODD_EVEN {unknown[0][1]}")
        return np.array(reads_of_table(rows, frame_rows // (OUTPUTS * BLOCK)))


def _columns(table: np.ndarray, names: tuple[str, ...], refpix: Reference) -> list[np.ndarray]:
    by_name = {name.lower(): name for name in table.dtype.names or ()}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise ReferenceFileError(f"refpix reference {refpix.name}: found no column {missing[0]}; expected one")
    return [np.asarray(table[by_name[name]]) for name in names]


def _science(exposure: Ramp, data: Array, *, reference_first: bool) -> Ramp:
    """The exposure with these data and the rows of normal pixels of everything else."""
    zeroframe = exposure.zeroframe
    return replace(
        exposure,
        data=data,
        groupdq=science_rows(exposure.groupdq, reference_first=reference_first),
        pixeldq=science_rows(exposure.pixeldq, reference_first=reference_first),
        zeroframe=None if zeroframe is None else science_rows(zeroframe, reference_first=reference_first),
    )
