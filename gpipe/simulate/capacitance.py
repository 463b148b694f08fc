"""Inter-pixel capacitance, which shows a share of a pixel's charge in its neighbours, and the kernels that undo it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.config import DetectorEffects, ExposureConfig
from gpipe.simulate.detectors import Detector
from gpipe.simulate.pixels import Draw

_BLOCK_ROWS = 64
_LARGE, _SMALL = 5, 3
"""Rows and columns of kernels."""
_TERMS = 4
"""Powers of the coupling in the series for its inverse. The next power of a coupling of 0.5 % is 1e-7."""
_DISTANCE = 2
"""Steps from a pixel to the furthest pixel whose weight the series follows; a longer way back is too long to matter."""

Offset = tuple[int, int]


@dataclass(frozen=True)
class Coupling:
    """Share of its charge that a pixel shows in a neighbour, and the neighbour in it; float32 (row, column).

    Attributes
    ----------
    right, up : of a pixel and its neighbour to the right, and of a pixel and its neighbour above.
    """

    right: np.ndarray
    up: np.ndarray


class Capacitance:
    """Inter-pixel capacitance of the pixels of an exposure."""

    def __init__(self, config: ExposureConfig):
        effects = config.pixels
        self.exists = bool(effects.ipc)
        self._share = np.float32(effects.ipc)
        self._coupling = make_coupling(config.sca, config.window, effects) if effects.ipc_variation else None

    def spread(self, charge: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Charge (row, column) as it appears. Neighbours lose charge to reference pixels, which show none."""
        coupling = self._coupling
        seen = spread_evenly(charge, self._share) if coupling is None else spread_by_pairs(charge, coupling)
        return np.where(reference, np.float32(0), seen)


def spread_evenly(charge: np.ndarray, share: np.float32) -> np.ndarray:
    """Charge as it appears when each pixel shows the same share in each of its four neighbours."""
    padded = np.pad(charge, 1, mode="edge")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return (1 - 4 * share) * charge + share * neighbours


def spread_by_pairs(charge: np.ndarray, coupling: Coupling) -> np.ndarray:
    """Charge as it appears when pairs of neighbours differ in their coupling. The sum of all charge stays the same."""
    seen = charge.copy()
    to_left = coupling.right[:, :-1] * np.diff(charge, axis=1)
    seen[:, :-1] += to_left
    seen[:, 1:] -= to_left
    down = coupling.up[:-1] * np.diff(charge, axis=0)
    seen[:-1] += down
    seen[1:] -= down
    return seen


def make_coupling(sca: Detector, area: Window, effects: DetectorEffects) -> Coupling:
    """The coupling in a window: log-normal about the typical value, since a capacitance is positive."""
    draw, share, width = Draw(sca, area, effects.seed), np.float32(effects.ipc), np.float32(effects.ipc_variation)
    right, up = (share * np.exp(width * draw.normal(f"ipc {name}")) for name in ("right", "up"))
    return Coupling(right, up)


def make_kernels(config: ExposureConfig) -> np.ndarray:
    """Kernels that undo the capacitance of a detector, float32: (kernel row, kernel column), or that and (row, column).

    Kernels of each pixel are those of the whole detector: jwst cuts them by a subarray's corner on the detector.
    """
    effects, sca = config.pixels, config.sca
    if effects.ipc_kernel == "each pixel":
        return pixel_kernels(make_coupling(sca, sca.full, effects))
    return deconvolution_kernel(effects.ipc, _SMALL if effects.ipc_kernel == "3x3" else _LARGE)


def deconvolution_kernel(share: float, size: int = _LARGE) -> np.ndarray:
    """The inverse, by Fourier transform, of a kernel that gives ``share`` to each of the four neighbours."""
    length = 32
    kernel = np.zeros((length, length))
    kernel[0, 0] = 1 - 4 * share
    kernel[0, 1] = kernel[1, 0] = kernel[0, -1] = kernel[-1, 0] = share
    inverse = np.fft.fftshift(np.fft.ifft2(1 / np.fft.fft2(kernel)).real)
    part = slice(length // 2 - size // 2, length // 2 + size // 2 + 1)
    found = inverse[part, part].astype(np.float32)
    if size < _LARGE:  # a small one leaves out enough to change even light; its middle gets that
        found[size // 2, size // 2] += 1 - inverse[part, part].sum()
    return found


def pixel_kernels(coupling: Coupling) -> np.ndarray:
    """The 3 x 3 kernel of each pixel that undoes the coupling, float32 (kernel row, kernel column, row, column).

    Pixels show their charge multiplied by a matrix 1 + S, and the inverse of this matrix is 1 - S + S S - ...
    The kernel of a pixel is its row of the inverse, up to its neighbours. A row has the sum 1, so the middle of the
    kernel gets what lies outside.
    """
    links = _links(coupling)
    rows, columns = coupling.right.shape
    kernels = np.empty((_SMALL, _SMALL, rows, columns), dtype=np.float32)
    for first in range(0, rows, _BLOCK_ROWS):
        block = slice(first, min(first + _BLOCK_ROWS, rows))
        neighbours = _neighbours(links, block)
        for (y, x), weight in neighbours.items():
            kernels[1 - y, 1 - x, block] = weight  # a convolution counts the other way round
        kernels[1, 1, block] = 1 - sum(neighbours.values())
    return kernels


def _links(coupling: Coupling) -> dict[Offset, np.ndarray]:
    """The matrix S, by the offset from a pixel to the pixel whose charge it shows; 0 outside of the image."""
    right, up = (values.astype(np.float64) for values in (coupling.right, coupling.up))
    right[:, -1] = up[-1] = 0
    links = {(0, 1): right, (0, -1): np.roll(right, 1, axis=1), (1, 0): up, (-1, 0): np.roll(up, 1, axis=0)}
    links[0, 0] = -sum(links.values(), np.zeros_like(right))
    return {offset: np.pad(values, _DISTANCE) for offset, values in links.items()}


def _neighbours(links: Mapping[Offset, np.ndarray], rows: slice) -> dict[Offset, np.ndarray]:
    """Weights of the eight neighbours of each pixel in the inverse matrix, for a block of rows."""
    shape = rows.stop - rows.start, links[0, 0].shape[1] - 2 * _DISTANCE
    power: dict[Offset, np.ndarray] = {(0, 0): np.ones(shape)}
    found = {(y, x): np.zeros(shape) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)}
    for _ in range(_TERMS):
        power = _next_power(power, links, rows)
        for offset, weight in found.items():
            weight += power.get(offset, 0)
    return found


def _next_power(
    power: Mapping[Offset, np.ndarray], links: Mapping[Offset, np.ndarray], rows: slice
) -> dict[Offset, np.ndarray]:
    """Multiply rows of a power of -S, given by the offset from the pixel of the row, by -S."""
    found: dict[Offset, np.ndarray] = {}
    for (y, x), weight in power.items():
        first = rows.start + _DISTANCE + y, _DISTANCE + x
        part = tuple(slice(start, start + size) for start, size in zip(first, weight.shape, strict=True))
        for (dy, dx), link in links.items():
            to = y + dy, x + dx
            if abs(to[0]) + abs(to[1]) <= _DISTANCE:
                found[to] = found.get(to, 0) - weight * link[part]
    return found
