"""Cases that are timed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene

Steps = Mapping[str, Mapping[str, Any]]

_PIXELS = DetectorEffects(ipc=0.005, ipc_kernel="3x3")
"""Detectors that have inter-pixel capacitance, as real ones do, and an ipc reference that undoes it."""
_WITH_LARGE_KERNEL = replace(_PIXELS, ipc_kernel="5x5")
_WITH_KERNEL_OF_EACH_PIXEL = replace(_PIXELS, ipc_kernel="each pixel", ipc_variation=0.1)


@dataclass(frozen=True)
class Case:
    """Exposures that a call calibrates one after the other, for gpipe beside jwst; ``steps`` are its parameters."""

    name: str
    configs: tuple[ExposureConfig, ...]
    steps: Steps = field(default_factory=dict)


@dataclass(frozen=True)
class Axis:
    """Exposures with a growing amount of one effect, by this amount; for gpipe."""

    name: str
    configs: Mapping[str, ExposureConfig]
    steps: Steps = field(default_factory=dict)


@dataclass(frozen=True)
class Loop:
    """Exposures of one kind that a process calibrates one after the other; for gpipe."""

    name: str
    config: ExposureConfig
    exposures: int


def _numbered(configs: Iterable[ExposureConfig]) -> tuple[ExposureConfig, ...]:
    """Give each exposure its own file name."""
    return tuple(replace(config, exposure=number) for number, config in enumerate(configs, 1))


def _exposure(**config: Any) -> ExposureConfig:
    return ExposureConfig(**{"pixels": _PIXELS} | config)


def _case(name: str, steps: Steps | None = None, **config: Any) -> Case:
    return Case(name, (_exposure(**config),), steps or {})


def _axis(name: str, values: Mapping[str, Mapping[str, Any]], steps: Steps | None = None, **shared: Any) -> Axis:
    configs = _numbered(_exposure(**(shared | value)) for value in values.values())
    return Axis(name, dict(zip(values, configs, strict=True)), steps or {})


_FLAG_SNOWBALLS = {"jump": {"expand_large_events": True}}
_HITS, _SNOWBALLS = 5.0, 0.004
"""Cosmic rays and snowballs/cm^2/s in flight."""
_NIRCAM = {"detector": "NRCALONG", "readpatt": "SHALLOW4", "ngroups": 8}
_HOST_STAR = Scene(background=0.0, density=0.0, spectrum=25_000.0, fwhm=2.0)
"""The spectrum of a star with a transiting planet, which fills pixels to two thirds in seven groups of SUB512.

It has no background: refpix takes the outer columns of SUB512 for unlit, and would subtract it.
"""
_BRIGHT = Scene(background=300, density=1e-3, brightest=3e5)

CASES = (
    _case("NIRCam full frame, 8 groups", **_NIRCAM),
    _case("NIRCam full frame, 20 groups", **(_NIRCAM | {"ngroups": 20})),
    _case("NIRSpec full frame, 8 groups", detector="NRS1", readpatt="NRS", ngroups=8),
    _case("NIRSpec IRS2, 8 groups", detector="NRS1", readpatt="NRSIRS2RAPID", ngroups=8),
    _case(
        "FGS full frame, 8 groups",
        detector="GUIDER1",
        readpatt="FGS",
        ngroups=8,
        scene=Scene(background=2.0, density=1e-3),
        pixels=_WITH_KERNEL_OF_EACH_PIXEL,
    ),
    _case(
        "MIRI full frame, 10 integrations of 20 groups", detector="MIRIMAGE", readpatt="FASTR1", ngroups=20, nints=10
    ),
    _case(
        "MIRI full frame, 40 groups",
        detector="MIRIMAGE",
        readpatt="FASTR1",
        ngroups=40,
        scene=Scene(background=80.0),
    ),
    _case(
        "MIRI slitless prism, 100 integrations of 40 groups",
        detector="MIRIMAGE",
        readpatt="FASTR1",
        subarray="SLITLESSPRISM",
        ngroups=40,
        nints=100,
    ),
    _case(
        "NIRISS SUBSTRIP256, 60 integrations of 5 groups",
        detector="NIS",
        readpatt="NISRAPID",
        subarray="SUBSTRIP256",
        ngroups=5,
        nints=60,
        exp_type="NIS_SOSS",
        scene=_BRIGHT,
        pixels=_WITH_LARGE_KERNEL,
    ),
    _case(
        "NIRSpec prism bright object, 100 integrations of 7 groups",
        detector="NRS1",
        readpatt="NRSRAPID",
        subarray="SUB512",
        ngroups=7,
        nints=100,
        exp_type="NRS_BRIGHTOBJ",
        scene=_HOST_STAR,
        pixels=_WITH_LARGE_KERNEL,
    ),
    _case(
        "NIRCam 64x64, 1000 integrations of 3 groups",
        detector="NRCALONG",
        readpatt="RAPID",
        subarray="SUB64P",
        ngroups=3,
        nints=1000,
        exp_type="NRC_TSIMAGE",
        scene=_BRIGHT,
    ),
    _case("NIRCam 160x160, 8 groups", detector="NRCALONG", readpatt="RAPID", subarray="SUB160", ngroups=8),
    Case("8 exposures, NIRCam full frame, 8 groups", _numbered(_exposure(**_NIRCAM, seed=n) for n in range(1, 9))),
    _case(
        "NIRCam full frame, expand_large_events", _FLAG_SNOWBALLS, **_NIRCAM, noise=NoiseEffects(snowballs=_SNOWBALLS)
    ),
    _case("NIRCam full frame, clean_flicker_noise", {"clean_flicker_noise": {"skip": False}}, **_NIRCAM),
)

_SUB320 = {"detector": "NRCALONG", "readpatt": "SHALLOW4", "subarray": "SUB320", "ngroups": 8, "nints": 2}
_SUB640 = _SUB320 | {"subarray": "SUB640", "nints": 1}
_NUMBERS = {"none": 0, "x1": 1, "x10": 10, "x100": 100}

AXES = (
    _axis(
        "growth with groups", {str(n): {"ngroups": n} for n in (4, 8, 16, 32, 64)}, **(_SUB320 | {"readpatt": "RAPID"})
    ),
    _axis(
        "growth with integrations", {str(n): {"nints": n} for n in (1, 4, 16, 64)}, **(_SUB320 | {"subarray": "SUB160"})
    ),
    _axis(
        "growth with pixels",
        {f"{size}x{size}": {"subarray": f"SUB{size}" if size > 64 else "SUB64P"} for size in (64, 160, 320, 640)},
        **_SUB320,
    ),
    _axis(
        "growth with cosmic rays",
        {name: {"noise": NoiseEffects(cosmic_rays=_HITS * n)} for name, n in _NUMBERS.items()},
        **_SUB640,
    ),
    _axis(
        "growth with snowballs",
        {name: {"noise": NoiseEffects(snowballs=_SNOWBALLS * n)} for name, n in _NUMBERS.items()},
        _FLAG_SNOWBALLS,
        **_SUB640,
    ),
)
LOOPS = (Loop("growth over exposures, 640x640", _exposure(**_SUB640), 30),)

_SMALL = {"detector": "NRCALONG", "readpatt": "RAPID", "subarray": "SUB64P", "ngroups": 4}
TINY_CASES = (_case("64x64", **_SMALL),)
TINY_AXES = (_axis("growth with groups", {str(n): {"ngroups": n} for n in (3, 4)}, **_SMALL),)
TINY_LOOPS = (Loop("growth over exposures, 64x64", _exposure(**_SMALL), 3),)

ALL = (*CASES, *AXES, *LOOPS)
TINY = (*TINY_CASES, *TINY_AXES, *TINY_LOOPS)
