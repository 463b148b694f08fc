"""A plugin of pytest that fills in keywords which every file of JWST has, where a model of jwst's tests lacks them.

gpipe refuses such models; what a test asks of a step can be seen all the same.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.controller.references import resolution
from gpipe.datamodels.files import reading
from gpipe.datamodels.files.sources import FitsSource, ModelSource

OF_INSTRUMENTS: Mapping[str, tuple[str, str, str]] = {
    "FGS": ("GUIDER1", "FGS_IMAGE", "FGSRAPID"),
    "MIRI": ("MIRIMAGE", "MIR_IMAGE", "FASTR1"),
    "NIRCAM": ("NRCA1", "NRC_IMAGE", "RAPID"),
    "NIRISS": ("NIS", "NIS_IMAGE", "NISRAPID"),
    "NIRSPEC": ("NRS1", "NRS_FIXEDSLIT", "NRSRAPID"),
}
"""Detector, kind of exposure and readout pattern."""
IMAGES = ("ImageModel", "CubeModel", "IFUImageModel")


def pytest_configure() -> None:
    """Fill in keywords from now on, of all that gpipe reads."""
    for source in (FitsSource, ModelSource):
        source.header = _completed(source.header)  # type: ignore[method-assign]
    resolution.open_reference = _of_type(resolution.open_reference)
    reading.find_source = _as_exposure(reading.find_source)


def _completed(header: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(header)
    def completed(source: Any, model_class: type) -> Any:
        model = header(source, model_class)
        fill_in(model.meta, source.shape("data"))
        return model

    return completed


def _of_type(open_reference: Callable[..., Any]) -> Callable[..., Any]:
    """Write the type, and the pixels, into references that are models: tests put any text there, and often none."""

    @functools.wraps(open_reference)
    def opened(reftype: str, source: Any, name: str | None = None) -> Any:
        if hasattr(source, "meta"):
            source.meta.reftype = reftype
            shape = getattr(source, source.get_primary_array_name() or "data").shape  # a general class names none
            if len(shape) > 1:
                source.meta.instance.setdefault("subarray", {})
                _set(source.meta.subarray, {"xstart": 1, "ystart": 1, "xsize": shape[-1], "ysize": shape[-2]})
        return open_reference(reftype, source, name)

    return opened


def _as_exposure(find_source: Callable[..., Any]) -> Callable[..., Any]:
    """Take ramps for exposures, whatever tests write into their type of reference, and images that lack arrays."""

    @functools.wraps(find_source)
    def found(source: Any) -> Any:
        if type(source).__name__ in IMAGES:
            _complete_rates(source)
        result = find_source(source)
        if result.model_type in IMAGES and not result.has("var_poisson"):  # a file
            with datamodels.open(source) as model:
                _complete_rates(model)
                result = find_source(model.copy())
        if "Ramp" in (result.model_type or ""):
            result.reftype = None
        return result

    return found


def _complete_rates(model: Any) -> None:
    shape = np.shape(model.instance.get("data", np.zeros((2, 8, 8) if type(model).__name__ == "CubeModel" else (8, 8))))
    for name in ("data", "err", "var_poisson", "var_rnoise"):
        model.instance.setdefault(name, np.zeros(shape, np.float32))
    model.instance.setdefault("dq", np.zeros(shape, np.uint32))


def fill_in(meta: Any, shape: tuple[int, ...]) -> None:
    """Set what metadata lack, as the science array has it or as it is for the instrument."""
    name = meta.instrument.name or "NIRCAM"
    detector, exposure_type, pattern = OF_INSTRUMENTS[name]
    size = {"xstart": 1, "ystart": 1, "xsize": shape[-1], "ysize": shape[-2], "fastaxis": 1, "slowaxis": 2}
    times = {"frame_time": 10.7, "group_time": meta.exposure.frame_time or 10.7, "nframes": 1, "groupgap": 0}
    counts = {"ngroups": shape[1], "nints": shape[0]} if len(shape) == 4 else {}
    _set(meta.instrument, {"name": name, "detector": detector})
    _set(meta.exposure, {"type": exposure_type, "readpatt": pattern, **times, **counts})
    _set(meta.subarray, size)
    _set(meta.observation, {"date": "2026-01-01", "time": "00:00:00.000"})


def _set(node: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if getattr(node, name, None) is None:
            setattr(node, name, value)
