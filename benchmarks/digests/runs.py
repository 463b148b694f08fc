"""Runs that are recorded: the exposures of the benchmarks and of the tests, and options of steps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import cases
from benchmarks.digests import calls, options
from benchmarks.digests.of_tests import (
    device_kinds,
    exposures,
    flicker_kinds,
    jump_truth,
    miri_parameters,
    optical_kinds,
    optics,
    saved_kinds,
)
from gpipe.clean_flicker_noise import CleanFlickerNoiseStep
from gpipe.picture_frame import PictureFrameStep
from gpipe.pipeline import DarkPipeline
from gpipe.simulate import ExposureConfig

Work = Callable[[Sequence[Path], Any], None]
References = Callable[[Path], Mapping[str, Path | None]]
SMALL = 1 << 24
"""Number of samples from which on portable functions take too long."""


@dataclass(frozen=True)
class Run:
    """Exposures, and the calls that process them.

    Attributes
    ----------
    work : called with the paths of the exposures and a backend; leaves products in the current folder.
    full_frame : as in ``write_cache``.
    others : writes further references to a folder, and tells them by type.
    is_slow : takes long for any number of samples.
    """

    name: str
    configs: tuple[ExposureConfig, ...]
    work: Work
    full_frame: bool = False
    others: References | None = None
    is_slow: bool = False

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Key that is the same for runs of the same files."""
        return self.configs, self.full_frame, self.others

    @property
    def samples(self) -> int:
        """Number of pixels of all groups of the largest exposure."""
        return max(c.nints * c.ngroups * c.window.xsize * c.window.ysize for c in self.configs)

    @property
    def is_small(self) -> bool:
        """True where all is quick with portable functions, too."""
        return self.samples < SMALL and not self.is_slow


def everything() -> list[Run]:
    """List all runs; those of the same files follow each other."""
    makers = (_benchmarks, _of_devices, _of_parity, _short, _saved, _cleaned, _located, _options)
    runs = [run for maker in makers for run in maker()]
    first = {run.inputs: number for number, run in reversed(list(enumerate(runs)))}
    return sorted(runs, key=lambda run: first[run.inputs])


def _run(name: str, config: ExposureConfig, *, steps: Mapping[str, Any] | None = None, **given: Any) -> Run:
    """Make a run of one exposure. A full frame, or lines from everywhere, needs references of a full frame."""
    work = partial(calls.calibrate, steps=dict(steps or {}), **given)
    return Run(name, (config,), work, full_frame=config.subarray == "FULL" or config.striped)


def _without_capacitance(config: ExposureConfig) -> ExposureConfig:
    """An exposure of a benchmark as it was before there were ipc references, so that older records can be compared."""
    return replace(config, pixels=replace(config.pixels, ipc=0.0, ipc_variation=0.0, ipc_kernel=None))


def _benchmarks() -> Iterator[Run]:
    for case in cases.CASES:  # two exposures are enough where they differ in their seeds
        work = partial(calls.calibrate, steps=case.steps)
        configs = tuple(map(_without_capacitance, case.configs[:2]))
        yield Run(f"benchmark: {case.name}", configs, work, full_frame=True)
    for axis in cases.AXES:
        work = partial(calls.calibrate, steps=axis.steps)
        yield Run(f"benchmark: {axis.name}", tuple(map(_without_capacitance, axis.configs.values())), work)
    for loop in cases.LOOPS:
        yield _run(f"benchmark: {loop.name}", _without_capacitance(loop.config))


def _of_devices() -> Iterator[Run]:
    for name, (config, steps) in device_kinds.KINDS.items():
        yield _run(f"device: {name}", ExposureConfig(**config), steps=steps)


def _of_parity() -> Iterator[Run]:
    for name, kind in exposures.KINDS.items():
        config = ExposureConfig(**kind, seed=exposures.SEEDS[0])
        yield _run(f"parity: {name}", config, steps=miri_parameters.steps(config))
    steps = {"charge_migration": {"skip": False, "signal_threshold": 16000.0, "save_results": True}}
    yield _run("parity: charge migration", exposures.charge_migrating(exposures.SEEDS[0]), steps=steps)
    for name, config in jump_truth.EXPOSURES.items():
        yield _run(f"truth: {name}", config, steps=miri_parameters.steps(config), save_calibrated_ramp=True)
    for name, config in exposures.DARKS.items():
        yield _run(f"dark: {name}", config, pipeline=DarkPipeline)
    for name, config in exposures.STRIPED.items():
        yield _run(f"stripes: {name}", config, save_calibrated_ramp=True)


def _short() -> Iterator[Run]:
    for kind in exposures.SHORT:
        for ngroups in (1, 2, 3):
            config = exposures.few_groups(kind, ngroups, 2)
            yield _run(f"short: {kind}, groups {ngroups}", config, save_calibrated_ramp=True)
        yield _run(f"short: {kind}, 1 integration", exposures.one_integration(kind), save_calibrated_ramp=True)
    for kind in exposures.TIME_SERIES:
        steps = exposures.TIME_SERIES_STEPS
        yield _run(f"series: {kind}", exposures.time_series(kind), steps=steps, save_calibrated_ramp=True)


def _saved() -> Iterator[Run]:
    for kind, config in saved_kinds.KINDS.items():
        yield _run(f"saved: {kind}", config, steps=saved_kinds.settings(kind), save_calibrated_ramp=True)
    for instrument, config in {"NIRCam": options.NIRCAM, "MIRI": options.MIRI}.items():
        work = partial(calls.step_by_step, persistence={"persistence_time": 10})  # it has no default
        yield Run(f"saved: {instrument}, step by step", (config,), work)


def _cleaned() -> Iterator[Run]:
    saved = {"skip": False, "save_mask": True, "save_background": True, "save_noise": True}
    for instrument, config in {"NIRCam": flicker_kinds.NIRCAM, "NIRISS": flicker_kinds.NIRISS_IMAGE}.items():
        for given in flicker_kinds.PARAMETERS:
            steps = {"clean_flicker_noise": saved | given}
            yield _run(f"cleaned: {instrument} {given or 'as by default'}", config, steps=steps)
        yield Run(f"cleaned: {instrument}, files of the user", (config,), calls.with_files_of_the_user)
    for config in (flicker_kinds.NIRSPEC, flicker_kinds.NIRSPEC_2):
        for given in ({}, {"background_method": "model", "single_mask": False}):
            steps = {"clean_flicker_noise": saved | {"fit_method": "fft"} | given}
            yield _run(f"cleaned: {config.detector} {given or 'as by default'}", config, steps=steps)
    for name, (config, given) in flicker_kinds.FULL_FRAMES.items():
        yield _run(f"cleaned: {name}", config, steps={"clean_flicker_noise": saved | given})
    yield Run("cleaned: rates", (flicker_kinds.NIRCAM,), calls.rates_cleaned)


def _located() -> Iterator[Run]:
    """Steps that ask for a WCS: masks of NIRSpec, and the light of time series."""
    masked = {"mask_science_regions": True, "save_mask": True}
    for exp_type, change in {"NRS_FIXEDSLIT": None, "NRS_MSASPEC": optical_kinds.mos, "NRS_IFU": None}.items():
        config = ExposureConfig(exp_type=exp_type, **optical_kinds.FULL)
        classes = (PictureFrameStep,) if exp_type == "NRS_IFU" else (PictureFrameStep, CleanFlickerNoiseStep)
        work = partial(calls.located, change=change, classes=classes, **masked)
        yield Run(f"located: {exp_type}", (config,), work, full_frame=True, others=optics.of_nirspec, is_slow=True)
    measured = {"background_method": "median_image", "save_background": True, "save_mask": True}
    for kind, config in optical_kinds.SERIES.items():
        given = measured | {"change": optical_kinds.variable, "classes": (CleanFlickerNoiseStep,)}
        work = partial(calls.located, traces=kind == "NIS_SOSS", **given)
        others = partial(optical_kinds.references, kind)
        yield Run(f"located: {kind}", (config,), work, full_frame=True, others=others, is_slow=True)


def _options() -> Iterator[Run]:
    for kind, (config, choices) in options.OPTIONS.items():
        for name, given in choices.items():
            yield _run(f"options: {kind}, {name}", config, **given)
    for name, config in options.of_every_kind().items():
        yield _run(f"kind: {name}", config)
    yield Run("persistence: an exposure after another", (options.WITH_TRAPS, options.AFTER_TRAPS), calls.remembered)
