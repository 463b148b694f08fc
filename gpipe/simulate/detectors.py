"""The detectors of JWST: readout directions, amplifiers and typical properties.

Readout directions are those of the JWST keyword dictionary (FASTAXIS, SLOWAXIS); the other numbers are typical of
the flight detectors, rounded (https://jwst-docs.stsci.edu, the detector pages of each instrument).
"""

from dataclasses import dataclass
from zlib import crc32

from gpipe.arrays.detector import EDGE
from gpipe.datamodels.exposures.window import Window, full_frame
from gpipe.exceptions import ParameterError

PIXEL_AREA = 18e-4**2
"""cm^2 of an H2RG pixel."""
MIRI_PIXEL_AREA = 25e-4**2
"""cm^2."""


@dataclass(frozen=True)
class Detector:
    """One detector.

    Attributes
    ----------
    fast, slow : FASTAXIS and SLOWAXIS, the science axes (1 columns, 2 rows) along which pixels and rows are read;
        negative when they are read towards lower indices.
    gain : electron/DN.
    read_noise : electron, one read, uncorrelated part.
    full_well : electron.
    dark : electron/s, typical pixel.
    bias : DN.
    curvature : 1/DN, quadratic coefficient of the correction of non-linearity.
    first_dark : factor on the dark current in the first integration.
    """

    name: str
    instrument: str
    fast: int
    slow: int
    gain: float
    read_noise: float
    full_well: float
    dark: float
    bias: float
    curvature: float
    first_dark: float = 1.0

    @property
    def mid_infrared(self) -> bool:
        """Tell whether it is MIRI's: outputs take every fourth column, and the response bends bias and signal."""
        return self.instrument == "MIRI"

    @property
    def full(self) -> Window:
        """The whole detector."""
        whole = full_frame(self.instrument)
        assert whole is not None
        return whole

    @property
    def sees_light(self) -> Window:
        """The detector without its reference pixels."""
        edge, rows = EDGE, 0 if self.mid_infrared else EDGE
        return Window(edge + 1, rows + 1, self.full.xsize - 2 * edge, self.full.ysize - 2 * rows)

    @property
    def pixel_area(self) -> float:
        """cm^2."""
        return MIRI_PIXEL_AREA if self.mid_infrared else PIXEL_AREA

    @property
    def fast_along_columns(self) -> bool:
        """Tell whether successive pixels of a readout row are neighbours in a row of the science frame."""
        return abs(self.fast) == 1

    @property
    def code(self) -> int:
        """A number for seeding, the same in every run."""
        return crc32(self.name.encode())


def _nircam(name: str, fast: int) -> Detector:
    typical = (1.83, 9.5, 83e3, 0.03) if name.endswith("LONG") else (2.06, 11.3, 100e3, 0.002)
    return Detector(name, "NIRCAM", fast, -2 * fast, *typical, bias=11_000.0, curvature=1.1e-6)


_DETECTORS = (
    *(_nircam(f"NRC{name}", -1) for name in ("A1", "A3", "ALONG", "B2", "B4")),
    *(_nircam(f"NRC{name}", 1) for name in ("A2", "A4", "B1", "B3", "BLONG")),
    Detector("NIS", "NIRISS", -2, -1, 1.61, 10.2, 80e3, 0.03, bias=9_500.0, curvature=1.2e-6),
    Detector("NRS1", "NIRSPEC", 2, 1, 0.996, 7.3, 51e3, 0.0092, bias=8_500.0, curvature=0.9e-6),
    Detector("NRS2", "NIRSPEC", -2, -1, 1.137, 6.9, 56e3, 0.0057, bias=9_000.0, curvature=1.0e-6),
    Detector("GUIDER1", "FGS", -2, -1, 1.70, 11.0, 82e3, 0.02, bias=10_000.0, curvature=1.2e-6),
    Detector("GUIDER2", "FGS", 2, -1, 1.75, 11.5, 82e3, 0.02, bias=10_500.0, curvature=1.1e-6),
    Detector("MIRIMAGE", "MIRI", 1, 2, 3.1, 18.0, 160e3, 0.2, bias=6_000.0, curvature=1.7e-6, first_dark=1.5),
    Detector("MIRIFUSHORT", "MIRI", 1, 2, 3.1, 18.0, 155e3, 0.1, bias=6_300.0, curvature=1.75e-6, first_dark=1.5),
    Detector("MIRIFULONG", "MIRI", 1, 2, 3.1, 18.0, 155e3, 0.15, bias=5_800.0, curvature=1.8e-6, first_dark=1.5),
)
DETECTORS = {detector.name: detector for detector in _DETECTORS}


def detector(name: str) -> Detector:
    """Return the detector of this name; ParameterError if unknown."""
    try:
        return DETECTORS[name]
    except KeyError:
        raise ParameterError(f"detector {name!r} is unknown; expected one of {', '.join(DETECTORS)}") from None
