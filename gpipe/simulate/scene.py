"""Scene on the detector: point sources on a uniform background, and the spectrum of a bright star."""

from dataclasses import dataclass

import numpy as np

from gpipe.datamodels.exposures.window import Window

STAMP = 12
"""Half-width in pixels of the square that a source is drawn in."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A field of stars, a spectrum, or both.

    Attributes
    ----------
    background : electron/s/pixel.
    density : sources per pixel of the window.
    faintest, brightest : electron/s of a source; the number of sources falls as 1/flux between them.
    fwhm : pixel, of the round profile of a source.
    spectrum : electron/s in the brightest pixel of a spectrum along the middle row, which fades to nothing at both
        ends of the window (jwst takes the outer columns of NIRSpec's SUB512, SUB512S and SUB32 for unlit).
    seed : of positions and fluxes.
    """

    background: float = 0.8
    density: float = 4e-4
    faintest: float = 30.0
    brightest: float = 1e5
    fwhm: float = 2.2
    spectrum: float = 0.0
    seed: int = 1

    def rate(self, area: Window) -> np.ndarray:
        """electron/s that reach each pixel of the window, float32 (row, column)."""
        rng = np.random.default_rng([self.seed, area.xstart, area.ystart, area.xsize, area.ysize])
        image = np.full((area.ysize, area.xsize), self.background, dtype=np.float32)
        count = max(round(self.density * area.xsize * area.ysize), int(self.density > 0))
        rows, columns = rng.uniform(0, area.ysize, count), rng.uniform(0, area.xsize, count)
        fluxes = self.faintest * (self.brightest / self.faintest) ** (rng.uniform(size=count) ** 3)
        for row, column, flux in zip(rows, columns, fluxes, strict=True):
            _add_source(image, row, column, flux, self.fwhm)
        return image + self.spectrum * _trace(area, self.fwhm)


def _add_source(image: np.ndarray, row: float, column: float, flux: float, fwhm: float) -> None:
    """Add a Moffat profile (exponent 2.5), so that a bright star has wings."""
    top, left = max(int(row) - STAMP, 0), max(int(column) - STAMP, 0)
    stamp = image[top : int(row) + STAMP + 1, left : int(column) + STAMP + 1]
    y = top + np.arange(stamp.shape[0])[:, np.newaxis] - row
    x = left + np.arange(stamp.shape[1]) - column
    width = fwhm / (2 * np.sqrt(2 ** (1 / 2.5) - 1))
    profile = (1 + (x**2 + y**2) / width**2) ** -2.5
    stamp += flux * 1.5 / (np.pi * width**2) * profile


def _trace(area: Window, fwhm: float) -> np.ndarray:
    """Shape of a spectrum, 1 at its peak: a Gaussian across, the square of a sine along."""
    across = (np.arange(area.ysize) - (area.ysize - 1) / 2) / fwhm
    along = np.sin(np.linspace(0, np.pi, area.xsize)) ** 2
    return (np.exp(-4 * np.log(2) * across**2)[:, np.newaxis] * along).astype(np.float32)
