"""Work on exposures by public calls. Products are left in the current folder.

The same calls run on trees whose modules differ, so that products of before and after a change can be compared.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from benchmarks.digests.of_tests import flicker_kinds
from gpipe.clean_flicker_noise import CleanFlickerNoiseStep
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import ExposureConfig


def calibrate(paths: Sequence[Path], backend: Any, pipeline: Any = Detector1Pipeline, **options: Any) -> None:
    """Calibrate one exposure after the other, file to file; the returned result must equal the written file."""
    for path in paths:
        result = pipeline.call(path, backend=backend, save_results=True, configure_log=False, **options)
        name = result.meta.filename
        written = fits.getdata(Path(options.get("output_dir", ".")) / Path(name).name, "SCI")
        if not np.array_equal(np.asarray(result.data), written, equal_nan=True):
            raise AssertionError(f"{name}: expected the data of the model that the call returned")


def step_by_step(paths: Sequence[Path], backend: Any, **options: Any) -> None:
    """Call each step on what the step before it has written."""
    (path,) = paths
    for name, step in Detector1Pipeline.step_defs.items():
        given = options.get(name, {})
        result = step.call(path, backend=backend, save_results=True, configure_log=False, **given)
        path = Path((result[0] if isinstance(result, Sequence) else result).meta.filename)


def remembered(paths: Sequence[Path], backend: Any) -> None:
    """Correct persistence by both algorithms. The second exposure needs the products of the first one."""
    first, second = paths
    traps = {"skip": False, "algorithm": "trap_model"}
    windows = {"skip": False, "persistence_time": 60}
    filled = f"traps/{first.name.replace('uncal', 'trapsfilled')}"
    given = {
        "traps": traps | {"save_trapsfilled": True, "save_persistence": True},
        "windows": windows | {"save_persistence": "windows.asdf"},
        "after_traps": traps | {"input_trapsfilled": filled, "save_persistence": True},
        "after_windows": windows | {"persistence_array_file": "windows.asdf", "persistence_dnu": True},
    }
    for folder, persistence in given.items():
        path = second if folder.startswith("after") else first
        calibrate([path], backend, steps={"persistence": persistence}, output_dir=folder)


def with_files_of_the_user(paths: Sequence[Path], backend: Any) -> None:
    """Clean 1/f noise with a flat, with parameters that gpipe chooses where there is a flat, and with a mask."""
    header = fits.getheader(paths[0])
    detector = ExposureConfig(detector=header["DETECTOR"], readpatt=header["READPATT"], ngroups=1)
    references = Path("references")
    references.mkdir()
    flat = {"override_flat": flicker_kinds.flat_reference(detector, references)}
    given = {
        "flat": flat | {"apply_flat_field": True, "save_mask": True},
        "auto": flat | {"autoparam": True},
        "mask": {"user_mask": f"flat/{paths[0].name.replace('uncal', 'mask')}"},
    }
    for folder, parameters in given.items():
        steps = {"clean_flicker_noise": {"skip": False, **parameters}}
        calibrate(paths, backend, steps=steps, output_dir=folder)


def rates_cleaned(paths: Sequence[Path], backend: Any) -> None:
    """Clean rates, not ramps, of 1/f noise."""
    calibrate(paths, backend)
    for suffix in ("rate", "rateints"):
        for folder, given in {"one_mask": {}, "each_mask": {"single_mask": False}}.items():
            name = paths[0].name.replace("uncal", suffix)
            options = {"output_dir": folder, "save_results": True, "configure_log": False, **given}
            CleanFlickerNoiseStep.call(name, skip=False, backend=backend, **options)


def located(
    paths: Sequence[Path], backend: Any, *, change: Any, classes: Iterable[Any], traces: bool = False, **given: Any
) -> None:
    """Run steps on a ramp whose metadata were changed so that it has a WCS."""
    steps = {name: {"skip": True} for name in ("ramp_fit", "gain_scale")}
    ramp = Detector1Pipeline.call(paths[0], backend=backend, steps=steps, configure_log=False)
    folder = Path("elsewhere")
    folder.mkdir()
    if change is not None:
        change(ramp)
    ramp.save(folder / "before.fits")
    if traces:
        given["override_pastasoss"] = flicker_kinds.pastasoss_reference(folder)
    options = {"output_dir": "after", "save_results": True, "configure_log": False, **given}
    for step in classes:
        step.call(str(folder / "before.fits"), skip=False, backend=backend, **options)
