"""Reference files that describe a simulated detector exactly."""

from collections.abc import Callable
from typing import Any

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe import dq
from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.capacitance import make_kernels
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.metadata import dated
from gpipe.simulate.pixels import Pixels
from gpipe.simulate.traps import FAMILIES, make_sites

ANALOG_TO_DIGITAL_VARIANCE = 1 / 12
_DARK_MODELS = {"NIRSPEC": datamodels.DarkNirspecModel, "MIRI": datamodels.DarkMIRIModel}


def make_mask(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Bad pixels. Bits are numbered in the file's own way, which its DQ_DEF table tells."""
    model = described(datamodels.MaskModel, "MASK", config, area)
    _set_dq(model, pixels.dq, "DO_NOT_USE", "DEAD", "HOT", "REFERENCE_PIXEL")
    return model


def make_saturation(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Levels from which on a pixel counts as saturated, DN as read."""
    model = described(datamodels.SaturationModel, "SATURATION", config, area)
    model.data = with_gaps(pixels.saturation, pixels.gaps["saturation"] | pixels.reference)
    _set_dq(model, _flag(pixels.gaps["saturation"] | pixels.reference, dq.NO_SAT_CHECK), "NO_SAT_CHECK")
    return model


def make_superbias(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Level of each pixel after a reset, DN."""
    model = described(datamodels.SuperBiasModel, "SUPERBIAS", config, area)
    model.meta.exposure.readpatt = "ANY"
    model.data = with_gaps(pixels.bias, pixels.gaps["superbias"])
    _set_dq(model, _flag(pixels.gaps["superbias"], dq.UNRELIABLE_BIAS), "UNRELIABLE_BIAS")
    return model


def make_linearity(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Coefficients of the polynomial that straightens the response."""
    model = described(datamodels.LinearityModel, "LINEARITY", config, area)
    model.coeffs = with_gaps(pixels.coefficients, pixels.gaps["linearity"])
    _set_dq(model, _flag(pixels.gaps["linearity"], dq.NO_LIN_CORR), "NO_LIN_CORR")
    return model


def make_gain(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Gain, electron/DN."""
    model = described(datamodels.GainModel, "GAIN", config, area)
    model.data = with_gaps(pixels.gain, pixels.gaps["gain"])
    if config.gain_factor is not None:
        model.meta.exposure.gain_factor = config.gain_factor
    return model


def make_readnoise(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Noise of the difference of two reads, DN: uncorrelated and 1/f noise, and the steps of the converter."""
    model = described(datamodels.ReadnoiseModel, "READNOISE", config, area)
    model.meta.exposure.readpatt = "ANY"
    in_reads = config.noise.read_noise**2 + config.noise.one_over_f**2
    variance = in_reads * (config.sca.read_noise / config.sca.gain) ** 2 / config.pattern.samples
    variance += ANALOG_TO_DIGITAL_VARIANCE
    model.data = np.full(pixels.gain.shape, np.sqrt(2 * variance), dtype=np.float32)
    return model


def make_dark(config: ExposureConfig, area: Window, pixels: Pixels, *, frames: int) -> Any:
    """Dark signal after each frame, DN, every frame by itself; and the typical dark current, electron/s.

    The dark of superstripes is for the assembled exposure, in which repeats in a frame are groups. MIRI's dark has the
    first integration and all later ones separately.
    """
    model = described(_DARK_MODELS.get(config.sca.instrument, datamodels.DarkModel), "DARK", config, area)
    seconds = _times_of_reads(config, frames)
    exposure = {"readpatt": "ANY", "nframes": 1, "ngroups": len(seconds), "groupgap": 0, "noutputs": config.outputs}
    exposure["average_dark_current"] = float(np.median(pixels.dark))
    model.update({"meta": {"exposure": exposure}})
    rate = with_gaps(pixels.dark / pixels.gain, pixels.gaps["dark"])
    signal, flags = seconds[:, np.newaxis, np.newaxis] * rate, _flag(pixels.gaps["dark"], dq.UNRELIABLE_DARK)
    if config.sca.mid_infrared:
        signal = np.stack([np.float32(config.sca.first_dark) * signal, signal])
        flags = np.stack([flags, flags])[:, np.newaxis]
    model.data = signal
    _set_dq(model, flags, "UNRELIABLE_DARK")
    return model


def _times_of_reads(config: ExposureConfig, frames: int) -> np.ndarray:
    """Seconds from the reset, float32."""
    starts = config.frame_time * np.arange(frames + 1, dtype=np.float32)
    if not config.superstripes:
        return starts[1:]
    return np.add.outer(starts[:-1], np.asarray(config.repeat_times, dtype=np.float32)).ravel()


def make_ipc(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """The kernels that undo inter-pixel capacitance."""
    model = described(datamodels.IPCModel, "IPC", config, area)
    model.data = make_kernels(config)
    return model


def make_trapdensity(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Charge that the traps of each pixel hold, DN."""
    model = described(datamodels.TrapDensityModel, "TRAPDENSITY", config, area)
    model.data = make_sites(config.sca, area, config.pixels, pixels).density
    _set_dq(model, _flag(pixels.reference, dq.DO_NOT_USE), "DO_NOT_USE")
    return model


def make_persat(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Level from which on all traps of a pixel are within reach of charge, DN."""
    model = described(datamodels.PersistenceSatModel, "PERSAT", config, area)
    model.data = make_sites(config.sca, area, config.pixels, pixels).full_well
    _set_dq(model, _flag(pixels.reference, dq.DO_NOT_USE), "DO_NOT_USE")
    return model


def make_trappars(config: ExposureConfig, area: Window, pixels: Pixels) -> Any:
    """Make the rates at which traps capture and release charge, 1/s, with a minus sign."""
    model = described(datamodels.TrapParsModel, "TRAPPARS", config, area)
    rows = [(family.slow, -1 / family.capture, family.at_once, -1 / family.release) for family in FAMILIES]
    columns = [(name, "f8") for name in ("capture0", "capture1", "capture2", "decay_param")]
    model.trappars_table = np.array(rows, dtype=columns)
    return model


MAKERS: dict[str, Callable[[ExposureConfig, Window, Pixels], Any]] = {
    "mask": make_mask,
    "saturation": make_saturation,
    "superbias": make_superbias,
    "linearity": make_linearity,
    "gain": make_gain,
    "readnoise": make_readnoise,
    "ipc": make_ipc,
    "trapdensity": make_trapdensity,
    "trappars": make_trappars,
    "persat": make_persat,
}
"""The references that may be cut out for a subarray; darks are made for each subarray."""


def applies(reftype: str, config: ExposureConfig) -> bool:
    """Tell whether a reference type applies to the detector; for the others CRDS says N/A."""
    effect: dict[str, object] = {"ipc": config.pixels.ipc or config.pixels.ipc_kernel}
    effect["trapdensity"] = effect["trappars"] = effect["persat"] = config.pixels.traps
    effect["superbias"] = not config.sca.mid_infrared
    return bool(effect.get(reftype, True))


def described(kind: type, reftype: str, config: ExposureConfig, area: Window) -> Any:
    """A reference model with the metadata that every reference file has."""
    model = dated(kind)()
    sca = config.sca
    subarray = {"xstart": area.xstart, "ystart": area.ystart, "xsize": area.xsize, "ysize": area.ysize}
    tree = {
        "reftype": reftype,
        "author": "gpipe",
        "pedigree": "DUMMY",
        "useafter": "2020-01-01T00:00:00",
        "description": "Simulated detector, known exactly",
        "instrument": {"name": sca.instrument, "detector": sca.name},
        "subarray": subarray
        | {"name": "FULL" if area == sca.full else "GENERIC", "fastaxis": sca.fast, "slowaxis": sca.slow},
    }
    model.update({"meta": tree})
    return model


def _set_dq(model: Any, flags: np.ndarray, *names: str) -> None:
    """Flags, and the table by which the file numbers them: its first bit is the first name, and so on."""
    model.dq = flags
    rows = [(bit, 1 << bit, name, name.replace("_", " ").capitalize()) for bit, name in enumerate(names)]
    model.dq_def = np.array(rows, dtype=[("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"), ("DESCRIPTION", "S80")])


def flagged(model: Any, where: np.ndarray, name: str, bit: int) -> None:
    """Give a reference model one flag, where pixels have it."""
    _set_dq(model, _flag(where, bit), name)


def _flag(where: np.ndarray, bit: int) -> np.ndarray:
    return np.where(where, np.uint32(bit), np.uint32(0))


def with_gaps(values: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Values, and NaN where a reference has none."""
    return np.where(gaps, np.float32(np.nan), values)
