"""Readout of a detector: read patterns, subarrays and the time of a frame.

Corners are those of the science aperture file (SIAF) and of the instrument pages at https://jwst-docs.stsci.edu,
counted from 1 in the science frame. MIRI's clocks are those of its emicorr reference file.
"""

from dataclasses import dataclass

from gpipe.arrays.detector import DETECTOR_SIZE
from gpipe.datamodels.exposures.window import Window
from gpipe.exceptions import ParameterError
from gpipe.simulate.detectors import DETECTORS, Detector

PIXEL_TIME = 1e-5
ROW_OVERHEAD = 12
"""Pixel times between two rows of the readout."""

INTERLEAVED_ROW_OVERHEAD, INTERLEAVED_FRAME_OVERHEAD = 8, 714
"""The same in IRS2 readout, and pixel times after a frame."""


@dataclass(frozen=True)
class ReadPattern:
    """``nframes`` frames are averaged to a group, then ``groupgap`` frames are dropped.

    Each pixel is sampled ``samples`` times in a frame.
    """

    nframes: int
    groupgap: int
    samples: int = 1

    @property
    def frames_per_group(self) -> int:
        return self.nframes + self.groupgap

    def frames(self, ngroups: int) -> int:
        """Frames from the reset to the end of the last group (nothing is read after that)."""
        return ngroups * self.frames_per_group - self.groupgap


READ_PATTERNS = {
    "NIRCAM": {
        "RAPID": ReadPattern(1, 0),
        "BRIGHT1": ReadPattern(1, 1),
        "BRIGHT2": ReadPattern(2, 0),
        "SHALLOW2": ReadPattern(2, 3),
        "SHALLOW4": ReadPattern(4, 1),
        "MEDIUM2": ReadPattern(2, 8),
        "MEDIUM8": ReadPattern(8, 2),
        "DEEP2": ReadPattern(2, 18),
        "DEEP8": ReadPattern(8, 12),
    },
    "NIRISS": {"NISRAPID": ReadPattern(1, 0), "NIS": ReadPattern(4, 0)},
    "NIRSPEC": {
        "NRSRAPID": ReadPattern(1, 0),
        "NRS": ReadPattern(4, 0),
        "NRSIRS2RAPID": ReadPattern(1, 0),
        "NRSIRS2": ReadPattern(5, 0),
    },
    "FGS": {"FGSRAPID": ReadPattern(1, 0), "FGS": ReadPattern(4, 0)},
    "MIRI": {
        "FASTR1": ReadPattern(1, 0),
        "SLOWR1": ReadPattern(1, 0, samples=9),
        "FASTGRPAVG": ReadPattern(4, 0),
        "FASTGRPAVG8": ReadPattern(8, 0),
        "FASTGRPAVG16": ReadPattern(16, 0),
        "FASTGRPAVG32": ReadPattern(32, 0),
        "FASTGRPAVG64": ReadPattern(64, 0),
    },
}

FULL = Window(1, 1, DETECTOR_SIZE, DETECTOR_SIZE)


def _square(size: int, **corners: tuple[int, int]) -> dict[str, Window]:
    return {detector: Window(x, y, size, size) for detector, (x, y) in corners.items()}


def _strip(rows: int, **first_row: int) -> dict[str, Window]:
    return {detector: Window(1, y, DETECTOR_SIZE, rows) for detector, y in first_row.items()}


def _bright_object(x: int, columns: int, rows: int, nrs1: int, nrs2: int) -> dict[str, Window]:
    return {"NRS1": Window(x, nrs1, columns, rows), "NRS2": Window(x, nrs2, columns, rows)}


def _quadrants(size: int, along: tuple[int, int], blong: tuple[int, int]) -> dict[str, Window]:
    """The corners where the four short-wave detectors of a module meet, and the same sky on the long-wave one."""
    high = DETECTOR_SIZE + 1 - size
    return _square(
        size,
        NRCA1=(high, high),
        NRCA2=(high, 1),
        NRCA3=(1, high),
        NRCA4=(1, 1),
        NRCALONG=along,
        NRCB1=(1, 1),
        NRCB2=(1, high),
        NRCB3=(high, 1),
        NRCB4=(high, high),
        NRCBLONG=blong,
    )


SUBARRAYS = {
    "NIRCAM": {
        "SUB64P": _square(64, NRCA3=(1, 101), NRCALONG=(1935, 1911), NRCB1=(1851, 1817), NRCBLONG=(1944, 1931)),
        "SUB160P": _square(160, NRCA3=(1889, 1), NRCALONG=(1887, 1863), NRCB1=(1803, 1769), NRCBLONG=(1889, 1889)),
        "SUB400P": _square(400, NRCA3=(1649, 1), NRCB1=(1649, 1649), NRCBLONG=(1649, 1649)),
        "SUB160": _quadrants(160, along=(945, 945), blong=(933, 941)),
        "SUB320": _quadrants(320, along=(865, 865), blong=(853, 861)),
        "SUB640": _quadrants(640, along=(705, 705), blong=(693, 701)),
        "SUBGRISM64": _strip(64, NRCA1=125, NRCA3=134, NRCALONG=1, NRCB2=135, NRCB4=144, NRCBLONG=1985),
        "SUBGRISM128": _strip(128, NRCA1=95, NRCA3=104, NRCALONG=1, NRCB2=103, NRCB4=112, NRCBLONG=1921),
        "SUBGRISM256": _strip(256, NRCA1=1, NRCA3=1, NRCALONG=1, NRCB2=1, NRCB4=1, NRCBLONG=1793),
    },
    "NIRISS": {
        "SUBSTRIP256": _strip(256, NIS=1793),
        "SUBSTRIP96": _strip(96, NIS=1803),
        "SUB64": _square(64, NIS=(1985, 1985)),
        "SUB80": _square(80, NIS=(1045, 1)),
        "SUB128": _square(128, NIS=(1921, 1921)),
        "SUB256": _square(256, NIS=(1793, 1793)),
    },
    "NIRSPEC": {
        "ALLSLITS": _strip(256, NRS1=897, NRS2=895),
        "SUB2048": _bright_object(1, 2048, 32, 957, 1059),
        "SUB1024A": _bright_object(1, 1024, 32, 957, 1059),
        "SUB1024B": _bright_object(1025, 1024, 32, 957, 1059),
        "SUB512": _bright_object(1025, 512, 32, 957, 1059),
        "SUB512S": _bright_object(1025, 512, 16, 965, 1067),
        "SUB32": _bright_object(1399, 32, 32, 975, 975),
    },
    "FGS": {
        "SUB128LL": _square(128, GUIDER1=(1921, 1921), GUIDER2=(1921, 1)),
        "SUB128DIAG": _square(128, GUIDER1=(1441, 1441), GUIDER2=(1441, 481)),
        "SUB128CNTR": _square(128, GUIDER1=(961, 961), GUIDER2=(961, 961)),
        "SUB32LL": _square(32, GUIDER1=(1969, 1969), GUIDER2=(1969, 49)),
    },
    "MIRI": {
        "BRIGHTSKY": {"MIRIMAGE": Window(457, 51, 512, 512)},
        "SUB256": {"MIRIMAGE": Window(413, 51, 256, 256)},
        "SUB128": {"MIRIMAGE": Window(1, 889, 136, 128)},
        "SUB64": {"MIRIMAGE": Window(1, 779, 72, 64)},
        "SLITLESSPRISM": {"MIRIMAGE": Window(1, 529, 72, 416)},
        "MASK1065": {"MIRIMAGE": Window(1, 19, 288, 224)},
        "MASK1140": {"MIRIMAGE": Window(1, 245, 288, 224)},
        "MASK1550": {"MIRIMAGE": Window(1, 467, 288, 224)},
        "MASKLYOT": {"MIRIMAGE": Window(1, 717, 320, 304)},
    },
}

_MIRI_SKIPPED_ROW = 7
"""Clocks of 10 us to reset a row that is not read."""
_MIRI_ROW = {
    "FULL": 271,
    "BRIGHTSKY": 162,
    "SUB256": 96,
    "SUB128": 44,
    "SUB64": 28,
    "SLITLESSPRISM": 28,
    "MASK1065": 82,
    "MASK1140": 82,
    "MASK1550": 82,
    "MASKLYOT": 90,
}
_MIRI_SLOW_ROW = 2333

FOUR_OUTPUTS = frozenset({"FULL", "SUBGRISM64", "SUBGRISM128", "SUBGRISM256", "SUB164STRIPE4_DHS"})


def read_pattern(instrument: str, name: str) -> ReadPattern:
    """The read pattern of this name; ParameterError when the instrument has none."""
    return _look_up(READ_PATTERNS[instrument], name, f"READPATT {name!r} is not one of {instrument}")


def window(detector: Detector, subarray: str) -> Window:
    """The part of the detector that a subarray reads; ParameterError when the detector has no such subarray."""
    if subarray == "FULL":
        return detector.full
    corners = _look_up(SUBARRAYS[detector.instrument], subarray, f"SUBARRAY {subarray!r} is not one of {detector.name}")
    return _look_up(corners, detector.name, f"SUBARRAY {subarray!r} is not used on {detector.name}")


def frame_time(detector: Detector, area: Window, noutputs: int) -> float:
    """Seconds to read a frame: a pause after each row, and some extra pixel times after the last one."""
    columns, rows = (area.xsize, area.ysize) if detector.fast_along_columns else (area.ysize, area.xsize)
    row = columns // noutputs + ROW_OVERHEAD
    extra = row + 1 if noutputs == 4 else 2 * row
    return PIXEL_TIME * (rows * row + extra)


@dataclass(frozen=True)
class MiriClocks:
    """Clocks of 10 us of a pixel, a row and a frame of MIRI's readout."""

    pixel: int
    row: int
    frame: int


def miri_clocks(subarray: str, area: Window, samples: int) -> MiriClocks:
    """The clocks of a subarray whose pixels are sampled some times each: 1 in fast and 9 in slow readout."""
    row = _MIRI_ROW[subarray] if samples == 1 else _MIRI_SLOW_ROW
    whole = DETECTORS["MIRIMAGE"].full
    return MiriClocks(samples, row, area.ysize * row + (whole.ysize - area.ysize) * _MIRI_SKIPPED_ROW)


def is_interleaved(pattern: str) -> bool:
    """Tell whether a read pattern is NIRSpec's IRS2, which reads reference pixels between the normal ones."""
    return "IRS2" in pattern


def interleaved_frame_time() -> float:
    """Seconds to read a full frame in IRS2: 22 pixel times for 16 pixels, a pause after each row, 714 at the end."""
    row = DETECTOR_SIZE // 4 // 16 * 22 + INTERLEAVED_ROW_OVERHEAD
    return PIXEL_TIME * (DETECTOR_SIZE * row + INTERLEAVED_FRAME_OVERHEAD)


def has_reference_pixels(detector: Detector, area: Window) -> bool:
    """Tell whether the window touches the reference pixels."""
    return not area.inside(detector.sees_light)


def _look_up(table: dict, name: str, problem: str):
    if name not in table:
        raise ParameterError(f"{problem}; expected one of {', '.join(table)}")
    return table[name]
