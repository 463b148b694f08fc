"""Headers: the metadata of an uncalibrated JWST exposure."""

from functools import cache
from typing import Any

import numpy as np
from astropy.time import Time, TimeDelta

from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.striped import STRIPED_SUBARRAYS

START = Time("2025-03-01T06:00:00", scale="utc")
_POINTING = {"ra": 80.4875, "dec": -69.4975, "v2": 120.0, "v3": -490.0}
_OPTICS: dict[str, dict] = {
    "NIRISS": {"filter": "CLEAR", "pupil": "F200W", "focus_position": 0},
    "NIRSPEC": {"filter": "CLEAR", "grating": "PRISM", "fixed_slit": "S1600A1", "lamp_mode": "NONE"},
    "FGS": {},
}
_MIRI_FILTERS = {
    "MIR_LRS-SLITLESS": "P750L",
    "MIR_LYOT": "F2300C",
    "MASK1065": "F1065C",
    "MASK1140": "F1140C",
    "MASK1550": "F1550C",
}
_TIME_SERIES = {"NRC_TSIMAGE", "NRC_TSGRISM", "NIS_SOSS", "NRS_BRIGHTOBJ", "MIR_LRS-SLITLESS"}
_COMPLETE = b"Normal Completion"


@cache
def dated(kind: type) -> type:
    """A ``stdatamodels`` class like ``kind`` that does not write the time of writing: the same seed, the same bytes."""

    def on_save(self: Any, path: Any = None) -> None:
        kind.on_save(self, path)  # type: ignore[attr-defined]
        self.meta.date = START.isot

    return type(kind.__name__, (kind,), {"on_save": on_save, "__module__": kind.__module__})


def describe(model: Any, config: ExposureConfig) -> None:
    """Fill in the metadata and the tables of an ``_uncal`` model."""
    tree = {
        "filename": config.file_name,
        "origin": "gpipe",
        "telescope": "JWST",
        "filetype": "raw",
        "time_sys": "UTC",
        "coordinates": {"reference_frame": "ICRS"},
        "instrument": _instrument(config),
        "subarray": _subarray(config),
        "exposure": _exposure(config),
        "observation": _observation(config),
        "program": {"title": "Simulated", "pi_name": "gpipe", "category": "CAL", "science_category": "CAL"},
        "target": _target(),
        "visit": {
            "status": "SUCCESSFUL",
            "tsovisit": config.exposure_type in _TIME_SERIES,
            "type": "PRIME_TARGETED_FIXED",
        },
        "aperture": {"name": _aperture(config), "pps_name": _aperture(config), "position_angle": 0.0},
        "pointing": {"ra_v1": _POINTING["ra"], "dec_v1": _POINTING["dec"], "pa_v3": 0.0},
        "wcsinfo": _wcs(config),
        "dither": {"position_number": 1, "total_points": 1, "x_offset": 0.0, "y_offset": 0.0},
        "guidestar": {"fgs_track_mode": "FINEGUIDE"},
    }
    model.update({"meta": tree})
    model.group = _groups(config)
    model.int_times = _integration_times(config)


def _time(config: ExposureConfig, seconds: Any = 0.0) -> Any:
    """Time some seconds after the start of the exposure."""
    return START + TimeDelta(config.start + seconds, format="sec")


def _instrument(config: ExposureConfig) -> dict:
    name = config.sca.instrument
    optics = {"NIRCAM": _nircam, "MIRI": _miri}
    values = {"name": name, "detector": config.detector} | (optics[name](config) if name in optics else _OPTICS[name])
    chosen = {"filter": config.filter, "pupil": config.pupil, "grating": config.grating}
    return values | {key: value for key, value in chosen.items() if value is not None}


def _nircam(config: ExposureConfig) -> dict:
    long = config.detector.endswith("LONG")
    return {
        "module": config.detector[3],
        "channel": "LONG" if long else "SHORT",
        "filter": "F444W" if long else "F200W",
        "pupil": "CLEAR",
    }


def _miri(config: ExposureConfig) -> dict:
    if config.exposure_type == "MIR_MRS":
        return {"channel": "12" if config.detector == "MIRIFUSHORT" else "34", "band": "SHORT"}
    usual = _MIRI_FILTERS.get(config.exposure_type, "F770W")
    return {"filter": _MIRI_FILTERS.get(config.subarray, usual)}


def _subarray(config: ExposureConfig) -> dict:
    striped = STRIPED_SUBARRAYS.get((config.detector, config.subarray))
    if striped is not None:
        return striped.keywords(config.subarray, config.sca)
    area, sca = config.window, config.sca
    corner = {"xstart": area.xstart, "ystart": area.ystart, "xsize": area.xsize, "ysize": area.ysize}
    return {"name": config.subarray, "fastaxis": sca.fast, "slowaxis": sca.slow, **corner}


def _exposure(config: ExposureConfig) -> dict:
    pattern, integration, elapsed = config.pattern, config.integration_time, config.elapsed_time
    start, end = _time(config).mjd, _time(config, elapsed).mjd
    return {
        "type": config.exposure_type,
        "readpatt": config.readpatt,
        "nints": config.nints,
        "ngroups": config.ngroups,
        "nframes": pattern.nframes,
        "frame_divisor": pattern.nframes,
        "groupgap": pattern.groupgap,
        "nsamples": pattern.samples,
        "sample_time": 10.0,
        "frame_time": config.frame_time,
        "group_time": config.group_time,
        "integration_time": integration,
        "exposure_time": config.nints * integration,
        "effective_exposure_time": config.nints * integration,
        "measurement_time": config.nints * (config.ngroups - 1) * config.group_time,
        "elapsed_exposure_time": elapsed,
        "duration": elapsed,
        "noutputs": config.outputs,
        "nresets_at_start": 1,
        "nresets_between_ints": 1,
        "drop_frames1": 0,
        "drop_frames3": 0,
        "zero_frame": config.zero_frame,
        "integration_start": 1,
        "integration_end": config.nints,
        "start_time": start,
        "mid_time": (start + end) / 2,
        "end_time": end,
        "start_time_mjd": start,
        "mid_time_mjd": (start + end) / 2,
        "end_time_mjd": end,
        "count": 1,
        "data_problem": False,
        "nrs_normal": 16,
        "nrs_reference": 4,
    }


def _observation(config: ExposureConfig) -> dict:
    start = _time(config).isot
    date, time = start.split("T")
    return {
        "date": date,
        "time": time,
        "date_beg": start,
        "date_end": _time(config, config.integration_time * config.nints).isot,
        "obs_id": "V00001001001P0000000001101",
        "visit_id": "00001001001",
        "program_number": "00001",
        "observation_number": "001",
        "visit_number": "001",
        "visit_group": "01",
        "sequence_id": "1",
        "activity_id": "01",
        "exposure_number": str(config.exposure),
    }


def _target() -> dict:
    return {
        "catalog_name": "SIMULATED",
        "proposer_name": "SIMULATED",
        "type": "FIXED",
        "source_type_apt": "UNKNOWN",
        "ra": _POINTING["ra"],
        "dec": _POINTING["dec"],
        "proposer_ra": _POINTING["ra"],
        "proposer_dec": _POINTING["dec"],
        "proper_motion_epoch": "2000.0",
    }


def _aperture(config: ExposureConfig) -> str:
    if config.exposure_type == "MIR_MRS":
        return "MIRIFU_CHANNEL1A" if config.detector == "MIRIFUSHORT" else "MIRIFU_CHANNEL3A"
    name = config.detector.replace("LONG", "5").replace("GUIDER", "FGS").replace("MIRIMAGE", "MIRIM")
    return f"{name}_{config.subarray}"


def _wcs(config: ExposureConfig) -> dict:
    return {
        "wcsaxes": 2,
        "crpix1": (config.window.xsize + 1) / 2,
        "crpix2": (config.window.ysize + 1) / 2,
        "crval1": _POINTING["ra"],
        "crval2": _POINTING["dec"],
        "ra_ref": _POINTING["ra"],
        "dec_ref": _POINTING["dec"],
        "v2_ref": _POINTING["v2"],
        "v3_ref": _POINTING["v3"],
        "vparity": -1,
        "v3yangle": 0.0,
        "roll_ref": 0.0,
        "velosys": 0.0,
    }


def _groups(config: ExposureConfig) -> np.ndarray:
    """The GROUP table: when each group ended."""
    integration, group = np.divmod(np.arange(config.nints * config.ngroups), config.ngroups)
    seconds = integration * (config.integration_time + config.frame_time)
    seconds = seconds + (group + 1) * config.group_time - config.pattern.groupgap * config.frame_time
    end = _time(config, seconds)
    table = np.zeros(len(group), dtype=_GROUP)
    table["integration_number"], table["group_number"] = integration + 1, group + 1
    table["end_milliseconds"] = (seconds * 1000).astype(int)
    table["group_end_time"] = np.char.encode(end.isot, "ascii")
    table["number_of_columns"], table["number_of_rows"] = config.window.xsize, config.window.ysize
    table["completion_code_text"] = _COMPLETE
    table["bary_end_time"] = table["helio_end_time"] = end.mjd
    return table


def _integration_times(config: ExposureConfig) -> np.ndarray:
    """The INT_TIMES table: start, middle and end of each integration."""
    first = np.arange(config.nints) * (config.integration_time + config.frame_time)
    table = np.zeros(config.nints, dtype=_INT_TIMES)
    table["integration_number"] = np.arange(config.nints) + 1
    for name, share in (("start", 0.0), ("mid", 0.5), ("end", 1.0)):
        mjd = _time(config).mjd + (first + share * config.integration_time) / 86400
        table[f"int_{name}_MJD_UTC"] = table[f"int_{name}_BJD_TDB"] = mjd
    return table


_GROUP = np.dtype(
    [
        ("integration_number", "i4"),
        ("group_number", "i2"),
        ("end_day", "i2"),
        ("end_milliseconds", "i4"),
        ("end_submilliseconds", "i2"),
        ("group_end_time", "S26"),
        ("number_of_columns", "i2"),
        ("number_of_rows", "i2"),
        ("number_of_gaps", "i2"),
        ("completion_code_number", "i2"),
        ("completion_code_text", "S36"),
        ("bary_end_time", "f8"),
        ("helio_end_time", "f8"),
    ]
)
_INT_TIMES = np.dtype(
    [("integration_number", "i4")]
    + [(f"int_{when}_{scale}", "f8") for scale in ("MJD_UTC", "BJD_TDB") for when in ("start", "mid", "end")]
)
