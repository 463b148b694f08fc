"""Positions of the NIRISS SOSS spectra on the detector, by the pastasoss reference."""

import math
from typing import Any

import numpy as np

from gpipe.exceptions import InputError

HALF_WIDTH = 16
"""Rows above and below the middle of a trace that its light reaches."""
_STRIP_ROWS = 256
_ROWS_BELOW = {"SUBSTRIP96": 10}
"""Rows of SUBSTRIP256, in which traces are given, below the first row of other subarrays."""


def check_position(reference: Any, position: float | None) -> None:
    """InputError if the reference has no traces for this position of the pupil wheel, in degrees."""
    low, high = reference.meta.pwcpos_bounds
    if position is None or not low <= position <= high:
        raise InputError.at("PWCPOS", position, f"{low} to {high}, for which pastasoss has traces")


def trace_mask(reference: Any, meta: Any, shape: tuple[int, int]) -> np.ndarray:
    """Pixels that light of any spectral order may fall on.

    Parameters
    ----------
    reference : PastasossModel, or one with the same tree.
    meta : metadata of the exposure: the position of the pupil wheel turns the traces, the subarray shifts them.
    shape : (row, column) of the exposure.

    Returns
    -------
    bool, (row, column), in host memory.

    Notes
    -----
    Baines et al. 2023, JWST-STScI-008571 (PASTASOSS).
    """
    check_position(reference, meta.instrument.pupil_position)
    rows, columns = np.arange(shape[0])[:, np.newaxis], np.arange(shape[1])
    mask = np.zeros(shape, dtype=bool)
    for index in range(len(reference.traces)):
        x, y = _trace(reference, index, meta.instrument.pupil_position)
        order = np.argsort(x)
        middle = np.interp(columns, x[order], y[order]) - _first_row(reference, meta.subarray.name)
        mask |= (rows >= np.floor(middle - HALF_WIDTH)) & (rows <= np.ceil(middle + HALF_WIDTH))
    return mask


def _first_row(reference: Any, subarray: str) -> int:
    """First row of the subarray, in rows of SUBSTRIP256."""
    return -reference.meta.subarray_ymin if subarray == "FULL" else _ROWS_BELOW.get(subarray, 0)


def _trace(reference: Any, index: int, position: float) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows (of SUBSTRIP256) of a trace, at the wavelengths of the reference."""
    meta, trace = reference.meta, reference.traces[index]
    turned = position - meta.pwcpos_cmd
    x, y = np.array(trace.trace, dtype=np.float64).T
    y = _interpolate(x, *_rotated(x, y, math.radians(turned), (trace.pivot_x, trace.pivot_y)))
    x, y = x[y <= _STRIP_ROWS - 1], y[y <= _STRIP_ROWS - 1]
    wavelength = _wavelengths(reference.wavecal_models[index], x, turned)
    grid = np.linspace(meta.wavemap_wlmin, meta.wavemap_wlmax, meta.wavemap_nwl)
    return _interpolate(grid, wavelength, x), _interpolate(grid, wavelength, y)


def _rotated(x: np.ndarray, y: np.ndarray, angle: float, pivot: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    off_x, off_y = x - pivot[0], y - pivot[1]
    sine, cosine = math.sin(angle), math.cos(angle)
    return cosine * off_x - sine * off_y + pivot[0], sine * off_x + cosine * off_y + pivot[1]


def _interpolate(at: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Straight lines between points, and beyond the outermost two."""
    order = np.argsort(x)
    x, y = x[order], y[order]
    left = y[0] + (at - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
    right = y[-1] + (at - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return np.where(at < x[0], left, np.where(at > x[-1], right, np.interp(at, x, y)))


def _wavelengths(model: Any, x: np.ndarray, turned: float) -> np.ndarray:
    """A polynomial in column and pupil wheel offset, both scaled to 0 to 1; its terms ordered by their total power."""
    (x_low, turned_low), (x_high, turned_high) = np.asarray(model.scale_extents)[:2]
    u, v = (x - x_low) / (x_high - x_low), (turned - turned_low) / (turned_high - turned_low)
    wavelength, power, place = np.zeros_like(x), 0, 0
    coefficients = np.asarray(model.coefficients)
    while place + power < len(coefficients):
        for of_v in range(power + 1):
            wavelength += coefficients[place + of_v] * u ** (power - of_v) * v**of_v
        power, place = power + 1, place + power + 1
    return wavelength
