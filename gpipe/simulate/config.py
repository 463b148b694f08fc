"""Configuration of simulated exposures."""

from dataclasses import dataclass, field, replace

from gpipe.datamodels.exposures.window import Window
from gpipe.exceptions import ParameterError
from gpipe.forks import cached_property
from gpipe.simulate import readout
from gpipe.simulate.detectors import Detector, detector
from gpipe.simulate.scene import Scene
from gpipe.simulate.striped import STRIPED_SUBARRAYS, StripedSubarray, span

DEFAULT_EXP_TYPE = {"NIRCAM": "NRC_IMAGE", "NIRISS": "NIS_IMAGE", "NIRSPEC": "NRS_FIXEDSLIT", "FGS": "FGS_IMAGE"}
_MIRI_EXP_TYPE = {"SLITLESSPRISM": "MIR_LRS-SLITLESS", "MASKLYOT": "MIR_LYOT"} | dict.fromkeys(
    ("MASK1065", "MASK1140", "MASK1550"), "MIR_4QPM"
)

IPC_KERNELS = ("3x3", "5x5", "each pixel")


@dataclass(frozen=True, kw_only=True)
class DetectorEffects:
    """Properties of the detector. References describe them, so exposures that share a cache share them.

    Attributes
    ----------
    nonlinearity : True for a nonlinear response.
    dark_scale : factor on the typical dark current, 0 for none.
    hot_fraction, dead_fraction : share of pixels with a strong dark current, and with no response.
    gap_fraction : share of pixels without a value (NaN, flagged) in each reference file.
    ipc : inter-pixel capacitance: share of a pixel's signal that each of its four neighbours shows.
    ipc_variation : scatter of this share from one pair of neighbours to another, in units of the share.
    ipc_kernel : what the ipc reference holds: "3x3", "5x5" or, for each pixel of the detector, a kernel of 3x3,
        "each pixel". Kernels undo ``ipc``; if that is 0 they change nothing. None means 5x5 if ``ipc`` is not 0, else
        a reference of N/A.
    traps : factor on the typical density of charge traps; 0 means no persistence, and trap references of N/A.
    charge_migration : share of the charge arriving in a pixel that each of its four neighbours gets for every 100,000
        electrons that the pixel holds more than it; 0 for none.
    migration_onset : electron; a pixel that holds less keeps what arrives.
    reset_decay, rscd, last_frame : factors on the signal that MIRI's resets leave, on the signal missing after a reset
        of a bright pixel, and on the signal missing in the last frame of an integration.
    seed : chooses another detector of the same kind.
    """

    nonlinearity: bool = True
    dark_scale: float = 1.0
    hot_fraction: float = 0.002
    dead_fraction: float = 0.0005
    gap_fraction: float = 0.0001
    ipc: float = 0.0
    ipc_variation: float = 0.0
    ipc_kernel: str | None = None
    traps: float = 0.0
    charge_migration: float = 0.0
    migration_onset: float = 25_000.0
    reset_decay: float = 1.0
    rscd: float = 1.0
    last_frame: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.ipc_kernel not in (None, *IPC_KERNELS):
            raise ParameterError(f"ipc_kernel={self.ipc_kernel!r}: expected None or one of {', '.join(IPC_KERNELS)}")
        if self.ipc_variation and self.ipc_kernel != "each pixel":
            raise ParameterError(
                f"ipc_variation={self.ipc_variation}, ipc_kernel={self.ipc_kernel!r}: one kernel cannot undo what "
                "differs between pixels; expected 'each pixel'"
            )


@dataclass(frozen=True, kw_only=True)
class NoiseEffects:
    """Effects that differ from one exposure to the next. Zero or False switches an effect off.

    Attributes
    ----------
    photon_noise : Poisson noise of light and dark current.
    cosmic_rays : hits/cm^2/s.
    snowballs : events/cm^2/s; in flight some 0.004.
    read_noise : factor on the detector's uncorrelated read noise.
    one_over_f : standard deviation of the 1/f noise of a frame, in units of the detector's read noise.
    ktc : electron, standard deviation of the charge that a reset leaves in a pixel.
    amplifier_drift : DN, random walk of each output's level over 10 s. In subarrays without
        reference pixels it stays in the rates.
    odd_even_drift : DN, the same for the odd columns of each output.
    showers : events/cm^2/s, extended and faint, of MIRI's detectors; in flight some 0.02.
    interference : factor on the typical electromagnetic interference of MIRI.
    picture_frame : DN/s, drift of the edges of NIRSpec detectors; 0 means a pictureframe reference of N/A.
    """

    photon_noise: bool = True
    cosmic_rays: float = 5.0
    snowballs: float = 0.0
    read_noise: float = 1.0
    one_over_f: float = 0.3
    ktc: float = 30.0
    amplifier_drift: float = 1.0
    odd_even_drift: float = 0.4
    showers: float = 0.0
    interference: float = 1.0
    picture_frame: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ExposureConfig:
    """One exposure of one detector.

    Attributes
    ----------
    instrument : NIRCAM, NIRISS, NIRSPEC or FGS; by default that of the detector.
    noutputs : 1 or 4 outputs; by default what the subarray is usually read with.
    filter, pupil, grating, exp_type : header values; by default usual ones of the instrument.
    zero_frame : also keep the first frame of each integration (NIRCam).
    gain_factor : GAINFACT of the gain reference, when the bias voltage is not the usual one.
    exposure : number of the exposure, in the file name.
    start : seconds after the usual start.
    after : the exposure before, of the same pixels, whose light the traps of ``pixels`` remember.
    seed : of everything random in the exposure; the sources in the sky depend on ``scene.seed`` only.
    """

    detector: str
    readpatt: str
    ngroups: int
    instrument: str | None = None
    subarray: str = "FULL"
    nints: int = 1
    seed: int = 1
    noutputs: int | None = None
    filter: str | None = None
    pupil: str | None = None
    grating: str | None = None
    exp_type: str | None = None
    zero_frame: bool = False
    gain_factor: float | None = None
    exposure: int = 1
    start: float = 0.0
    after: "ExposureConfig | None" = None
    scene: Scene = field(default_factory=Scene)
    noise: NoiseEffects = field(default_factory=NoiseEffects)
    pixels: DetectorEffects = field(default_factory=DetectorEffects)

    def __post_init__(self) -> None:
        found = self.sca.instrument
        if self.instrument not in (None, found):
            raise ParameterError(f"detector {self.detector} belongs to {found}, not to {self.instrument}")
        if self.ngroups < 1 or self.nints < 1:
            raise ParameterError(f"ngroups={self.ngroups}, nints={self.nints}: expected 1 or more")
        if self.zero_frame and found != "NIRCAM":
            raise ParameterError(f"zero_frame=True: only NIRCam sends the first frame, not {found}")
        if self.interleaved and (self.subarray != "FULL" or self.noutputs is not None):
            raise ParameterError(f"{self.readpatt}: IRS2 readout is for subarray FULL, with noutputs not given")
        if self.noutputs not in (None, 1, 4):
            raise ParameterError(f"noutputs={self.noutputs}: expected 1 or 4")
        if self.interleaved and self.pixels.traps:
            raise ParameterError(f"{self.readpatt}: traps are simulated for traditional readout only")
        if self.noise.picture_frame and found != "NIRSPEC":
            raise ParameterError(f"picture_frame={self.noise.picture_frame}: only NIRSpec has one, not {found}")
        if self.noise.showers and not self.sca.mid_infrared:
            raise ParameterError(f"showers={self.noise.showers}: only MIRI has them, not {found}")
        if self.striped and self.pixels.ipc_variation:
            raise ParameterError(f"{self.subarray}: neighbours in stripes have one coupling; expected ipc_variation=0")
        _ = self.pattern, self.window
        if self.sca.mid_infrared:
            self._check_mid_infrared()
        if self.after is not None:
            self._check_earlier(self.after)

    def _check_mid_infrared(self) -> None:
        if self.pattern.samples > 1 and self.subarray != "FULL":
            raise ParameterError(f"{self.readpatt}: MIRI reads subarrays fast only, found {self.subarray}")
        if self.noutputs not in (None, 4):
            raise ParameterError(f"noutputs={self.noutputs}: MIRI has 4")
        if self.noise.snowballs or self.pixels.traps:
            raise ParameterError("snowballs and traps are simulated for near-infrared detectors only")

    def _check_earlier(self, after: "ExposureConfig") -> None:
        same = (self.detector, self.subarray, self.pixels) == (after.detector, after.subarray, after.pixels)
        if not same or self.start < after.end:
            raise ParameterError(
                f"after: found {after.detector} {after.subarray} until {after.end:.1f} s; "
                f"expected the same pixels, {self.detector} {self.subarray}, until {self.start:.1f} s at most"
            )

    @cached_property
    def sca(self) -> Detector:
        return detector(self.detector)

    @cached_property
    def pattern(self) -> readout.ReadPattern:
        return readout.read_pattern(self.sca.instrument, self.readpatt)

    @cached_property
    def window(self) -> Window:
        """Window of the array that is sent, by its keywords."""
        return self._striped.packed if self._striped else readout.window(self.sca, self.subarray)

    @property
    def _striped(self) -> StripedSubarray | None:
        return STRIPED_SUBARRAYS.get((self.detector, self.subarray))

    @property
    def superstripes(self) -> int:
        """Integrations that each read another stripe, and together make one; 0 where all read the same."""
        return self._striped.superstripes if self._striped else 0

    @property
    def striped(self) -> bool:
        """Tell whether the array is read in stripes."""
        return self._striped is not None

    @cached_property
    def footprint(self) -> Window:
        """The rectangle of the detector that holds all pixels that are read."""
        return span([self.stripe_window(number) for number in (None, *range(self.superstripes))])

    def stripe_window(self, number: int | None) -> Window:
        """Return the window of the detector that a superstripe covers; None for that of all superstripes."""
        return self._striped.window(self.subarray, self.sca, number) if self._striped else self.window

    @property
    def repeat_times(self) -> tuple[float, ...]:
        """Seconds from the end of a frame to each read of the same lines in the next one."""
        repeats = self._striped.repeats_in_frame if self._striped else 1
        once = replace(self.window, ysize=self.window.ysize // repeats)
        first = readout.frame_time(self.sca, once, self.outputs) if repeats > 1 else self.frame_time
        later = (self.frame_time - first) / max(repeats - 1, 1)
        return tuple(first + number * later for number in range(repeats))

    @property
    def interleaved(self) -> bool:
        """Tell whether the readout is NIRSpec's IRS2."""
        return readout.is_interleaved(self.readpatt)

    @property
    def outputs(self) -> int:
        if self.interleaved:
            return 5
        if self.sca.mid_infrared:
            return 4
        usual = 4 if self.subarray in readout.FOUR_OUTPUTS else 1
        return usual if self.noutputs is None else self.noutputs

    @property
    def clocks(self) -> readout.MiriClocks:
        """Clocks of MIRI's readout."""
        return readout.miri_clocks(self.subarray, self.window, self.pattern.samples)

    @property
    def frame_time(self) -> float:
        """Seconds."""
        if self.interleaved:
            return readout.interleaved_frame_time()
        if self.sca.mid_infrared:
            return self.clocks.frame * readout.PIXEL_TIME
        return readout.frame_time(self.sca, self.window, self.outputs)

    @property
    def group_time(self) -> float:
        """Seconds from one group to the next."""
        return self.pattern.frames_per_group * self.frame_time

    @property
    def integration_time(self) -> float:
        """Seconds from the reset to the last frame of an integration."""
        return self.pattern.frames(self.ngroups) * self.frame_time

    @property
    def elapsed_time(self) -> float:
        """Seconds of all integrations, each with a reset after it."""
        return self.nints * (self.integration_time + self.frame_time)

    @property
    def end(self) -> float:
        """Seconds after the usual start."""
        return self.start + self.elapsed_time

    @property
    def exposure_type(self) -> str:
        if self.exp_type or not self.sca.mid_infrared:
            return self.exp_type or DEFAULT_EXP_TYPE[self.sca.instrument]
        return "MIR_MRS" if "IFU" in self.detector else _MIRI_EXP_TYPE.get(self.subarray, "MIR_IMAGE")

    @property
    def file_name(self) -> str:
        return f"jw00001001001_01101_{self.exposure:05d}_{self.detector.lower()}_uncal.fits"
