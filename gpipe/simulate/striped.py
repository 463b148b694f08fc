"""Subarrays that are read in stripes: which lines of the detector they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.detectors import Detector


@dataclass(frozen=True)
class StripedSubarray:
    """Multistripe subarray, by JWST's keywords: the array that is sent, and MSTR_* and SSTR_*.

    The corner of ``packed`` along the slow axis is the line that is read first.
    """

    packed: Window
    reads1: int
    skips1: int
    reads2: int
    skips2: int
    repeats: int = 1
    interleaves: int = 1
    step: int = 0
    superstripes: int = 0

    def keywords(self, name: str, sca: Detector) -> dict[str, int | str]:
        """Return the values of ``meta.subarray``."""
        return {
            "name": name,
            "xstart": self.packed.xstart,
            "ystart": self.packed.ystart,
            "xsize": self.packed.xsize,
            "ysize": self.packed.ysize,
            "fastaxis": sca.fast,
            "slowaxis": sca.slow,
            "multistripe_reads1": self.reads1,
            "multistripe_skips1": self.skips1,
            "multistripe_reads2": self.reads2,
            "multistripe_skips2": self.skips2,
            "repeat_stripe": self.repeats,
            "interleave_reads1": self.interleaves,
            "superstripe_step": self.step,
            "num_superstripe": self.superstripes,
        }

    @property
    def repeats_in_frame(self) -> int:
        """Count the reads of the same rows in a frame."""
        again = self.repeats and not self.interleaves
        return self.packed.ysize // (self.reads1 + self.reads2) if again else 1

    def window(self, name: str, sca: Detector, stripe: int | None = None) -> Window:
        """The part of the detector that the array, or one of its superstripes, covers; all of them if None."""
        return window_of(SimpleNamespace(subarray=SimpleNamespace(**self.keywords(name, sca))), stripe)


def span(windows: Sequence[Window]) -> Window:
    """The smallest window that holds all of these."""
    x, y = min(w.xstart for w in windows), min(w.ystart for w in windows)
    return Window(x, y, max(w.xstart + w.xsize for w in windows) - x, max(w.ystart + w.ysize for w in windows) - y)


# By detector and name: four spectra of NIRCam's dispersed Hartmann sensor, the direct light beside them, ten
# superstripes that cover NIRISS's SOSS spectra, the rows of NIRCam's SUB64P one by one, each four times in a frame, and
# eight by eight. Reference pixels are read before each stripe, except of the last.
STRIPED_SUBARRAYS = {
    ("NRCA1", "SUB164STRIPE4_DHS"): StripedSubarray(Window(1, 1, 2048, 164), 1, 1526, 40, 85),
    ("NRCALONG", "SUB164STRIPE4_DHS"): StripedSubarray(Window(1, 1, 2048, 164), 1, 971, 40, 0, interleaves=0),
    ("NIS", "SUB204STRIPE_SOSS"): StripedSubarray(
        Window(2048, 1793, 208, 256), 4, 0, 204, 0, step=204, superstripes=10
    ),
    ("NRCB1", "SUB64P_SUPSTP002"): StripedSubarray(
        Window(1851, 2046, 64, 8), 1, 165, 1, 0, interleaves=0, step=1, superstripes=64
    ),
    ("NRCB1", "SUB64P_SUPSTP008"): StripedSubarray(
        Window(1851, 1880, 64, 8), 0, 0, 0, 0, repeats=0, interleaves=0, step=8, superstripes=8
    ),
}
