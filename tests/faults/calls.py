"""Functions that run in children of the nursery; what they return is JSON."""

import re
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asdf
import numpy as np
from stdatamodels.jwst import datamodels

from faults import disks, moments
from faults.world import digest
from gpipe.exceptions import GpipeError
from gpipe.pipeline import Detector1Pipeline

NOT_COMPARED = ("Saved", "is being written", "Parameters of", "Backend numpy")
"""Words of lines about what is saved on the way, and of those that come once in a process."""
SAVED = {"output_dir": "out", "configure_log": False}


def calibrate(source: Any, options: dict[str, Any] | None = None) -> None:
    """Calibrate and save; an error ends the child, as it would end a script."""
    Detector1Pipeline.call(source, **{**SAVED, **(options or {})})


def warm_up(source: str) -> None:
    """Have everything imported, found and remembered that a later call needs."""
    with tempfile.TemporaryDirectory() as folder:
        for extension in (".fits", ".asdf"):
            calibrate(source, {"output_dir": folder, "output_ext": extension})
        asdf.AsdfFile({"a": np.ones(1)}).write_to(Path(folder, "any.asdf"))


def calibrate_until(source: Any, options: dict[str, Any], moment: str, nth: int, signal: int) -> None:
    """Calibrate; at a moment this process gets a signal."""
    with moments.at(moment, nth, moments.signals(signal)):
        calibrate(source, options)


def refused(source: Any, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Calibrate, and tell the error, if one comes."""
    try:
        calibrate(source, options)
    except BaseException as error:
        return described(error)
    return {}


def described(error: BaseException) -> dict[str, Any]:
    """An error as JSON."""
    return {
        "class": type(error).__name__,
        "of_gpipe": isinstance(error, GpipeError),
        "text": str(error),
        "each": [described(each) for each in getattr(error, "exceptions", ())],
        "trace": "".join(traceback.format_exception(error)[-6:]),
    }


def digests(folder: str) -> dict[str, str]:
    """Digests of the products in a folder."""
    return {path.name: digest(path) for path in sorted(Path(folder).iterdir())}


def calibrated(sources: Sequence[str], options: dict[str, Any] | None = None) -> dict[str, str]:
    """Calibrate one exposure after another, and tell the digests of their products."""
    for source in sources:
        calibrate(source, options)
    return digests("out")


def on_a_full_disk(source: Any, options: dict[str, Any], disk: str, size: int) -> dict[str, Any]:
    """Calibrate on a disk that has no room; see `disks`."""
    with disks.DISKS[disk](size):
        return refused(source, options)


def logs(paths: Sequence[str]) -> list[list[str]]:
    """The log messages in each product, without their times, and without those about what is saved on the way."""
    return [_log(path) for path in paths]


def _log(path: str) -> list[str]:
    with datamodels.open(path) as model:
        lines = [line for part in model.cal_logs.instance.values() for line in part]
    compared = [line.partition(" - ")[2] for line in lines if not any(word in line for word in NOT_COMPARED)]
    return [re.sub(r"\d+\.\d\d s\b", "seconds", line) for line in compared]
