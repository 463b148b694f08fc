"""Choice of the pipeline for a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpipe.batch.files import Inputs
from gpipe.controller import Step
from gpipe.controller.inputs import jobs
from gpipe.controller.parameters.types import unknown_name
from gpipe.controller.several import HEADERS_HELD
from gpipe.datamodels import Ramp, Rate
from gpipe.exceptions import GpipeError, InputError, ParameterError
from gpipe.pipeline.catalog import OTHER_PIPELINES, named, names


def named_class(name: str) -> type[Step]:
    """Find a pipeline or step of gpipe by alias, class or class path. ParameterError: gpipe has none of this name."""
    entry = named(name)
    if entry is None:
        raise ParameterError(unknown_name("pipeline", name, names()))
    if entry.cls is None:
        raise ParameterError(f"pipeline: found {name}, which gpipe does not have yet; run it with jwst")
    return entry.cls


def chosen_for(paths: Iterable[Path], pipeline: str | type[Step] | None = None) -> type[Step]:
    """Choose the pipeline for all files, unless one is named.

    InputError: the files need several, or one has none. ParameterError: gpipe has none of the name.
    """
    if pipeline is not None:
        return pipeline if isinstance(pipeline, type) else named_class(pipeline)
    chosen: dict[type[Step], Path] = {}
    problems: list[str] = []
    for path in paths:
        try:
            header = first_header(path)
            chosen.setdefault(pipeline_of(header), path)
        except GpipeError as error:
            problems.append(str(error))
        else:
            if isinstance(paths, Inputs) and len(paths) <= HEADERS_HELD:
                paths.headers[path] = header
    if not chosen:
        raise InputError("\n".join(problems))
    if len(chosen) > 1:
        found = " and ".join(f"{cls.__name__} for {path.name}" for cls, path in chosen.items())
        raise InputError(f"found files that need {found}; expected files for one pipeline, or its name")
    return next(iter(chosen))


def first_header(source: Any) -> Any:
    """Read the header that decides the pipeline of a file: its own, or that of the first exposure of an association."""
    return jobs(source, (Ramp, Rate))[0].science


def pipeline_of(header: Any) -> type[Step]:
    """Choose a pipeline by what a file holds: ramps are calibrated to rates, dark exposures to dark ramps.

    InputError: gpipe has no pipeline for it yet.
    """
    exposure_type = str(header.meta.exposure.type)  # of darks NRC_DARK, but MIR_DARKALL, MIR_DARKIMG, MIR_DARKMRS
    if header.kind is Ramp:
        return named_class("calwebb_dark" if "_DARK" in exposure_type else "calwebb_detector1")
    second = "calwebb_spec2" if exposure_type in _SPECTRA else "calwebb_image2"
    raise InputError(
        f"{header.name}: found rates, which jwst.pipeline.{OTHER_PIPELINES[second]} calibrates; expected ramps"
    )


_SPECTRA = (
    *("NRC_WFSS", "NRC_GRISM", "NRC_TSGRISM", "NIS_WFSS", "NIS_SOSS", "NRS_FIXEDSLIT", "NRS_MSASPEC", "NRS_IFU"),
    *("NRS_BRIGHTOBJ", "NRS_LAMP", "NRS_AUTOFLAT", "NRS_AUTOWAVE", "MIR_LRS-FIXEDSLIT", "MIR_LRS-SLITLESS", "MIR_MRS"),
)
