"""Choice of the pipeline for a file."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from gpipe.batch.files import Inputs
from gpipe.controller import Step
from gpipe.controller.inputs import jobs
from gpipe.controller.parameters import file_format
from gpipe.controller.parameters.types import unknown_name
from gpipe.controller.several import HEADERS_HELD
from gpipe.datamodels import Image, Ramp, Rate
from gpipe.datamodels.exposures.instruments import is_nirspec
from gpipe.exceptions import GpipeError, InputError, ParameterError
from gpipe.pipeline.catalog import OTHER_PIPELINES, named, names


def named_class(name: str) -> type[Step]:
    """Find a pipeline or step by alias, class or class path: one of gpipe (also as ``jwst.…``), or a user's.

    ParameterError: there is none of this name.
    """
    entry = named(name.removeprefix("jwst::"))
    if entry is None and _is_of_a_user(name):
        return _imported(name)
    if entry is None:
        raise ParameterError(unknown_name("pipeline", name, names()))
    if entry.cls is None:
        raise ParameterError(f"pipeline: found {name}, which gpipe does not have yet; run it with jwst")
    return entry.cls


def class_in_file(path: Path) -> type[Step]:
    """Find the pipeline or step of gpipe that a parameter file is for. Nothing that it names is imported.

    ParameterError: it cannot be read, or names none.
    """
    name = file_format.read(path).class_name
    entry = named(name) if name else None
    if entry is None or entry.cls is None:
        found = f"class {name!r:.60}" if name else "no class"
        raise ParameterError.at(f"parameter file {path}", found, "a pipeline or step of gpipe", file=str(path))
    return entry.cls


def _is_of_a_user(name: str) -> bool:
    package, point, _ = name.partition(".")
    return bool(point) and package not in ("jwst", "gpipe") and name.replace(".", "").isidentifier()


def _imported(name: str) -> type[Step]:
    module, _, last = name.rpartition(".")
    try:
        found = getattr(import_module(module), last)
    except (ImportError, AttributeError) as error:
        raise ParameterError(f"pipeline: {name} cannot be imported ({error})") from None
    if not (isinstance(found, type) and issubclass(found, Step)):
        raise ParameterError.at("pipeline", name, "a class made from gpipe.stpipe.Step")
    return found


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
    """Choose a pipeline by what a file holds: ramps are calibrated to rates, dark exposures to dark ramps, rates of
    images to calibrated images.

    InputError: gpipe has no pipeline for it yet.
    """
    exposure_type = str(header.meta.exposure.type)  # of darks NRC_DARK, but MIR_DARKALL, MIR_DARKIMG, MIR_DARKMRS
    if header.kind is Ramp:
        return named_class("calwebb_dark" if "_DARK" in exposure_type else "calwebb_detector1")
    if header.kind is Image:
        raise InputError(f"{header.name}: found {Image.label}; expected ramps or count rates of images")
    if exposure_type in _SPECTRA or is_nirspec(header.meta):
        raise InputError(
            f"{header.name}: found rates, which jwst.pipeline.{OTHER_PIPELINES['calwebb_spec2']} calibrates; "
            "expected ramps, or rates of images"
        )
    return named_class("calwebb_image2")


_SPECTRA = (
    *("NRC_WFSS", "NRC_GRISM", "NRC_TSGRISM", "NIS_WFSS", "NIS_SOSS", "NRS_FIXEDSLIT", "NRS_MSASPEC", "NRS_IFU"),
    *("NRS_BRIGHTOBJ", "NRS_LAMP", "NRS_AUTOFLAT", "NRS_AUTOWAVE", "MIR_LRS-FIXEDSLIT", "MIR_LRS-SLITLESS", "MIR_MRS"),
)
