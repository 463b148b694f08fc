"""Catalog of pipelines and steps: those of gpipe, and those for which one still needs jwst."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module
from typing import Any

from gpipe.controller import Step

PIPELINES = {
    "calwebb_detector1": "gpipe.pipeline.detector1.Detector1Pipeline",
    "calwebb_dark": "gpipe.pipeline.dark.DarkPipeline",
    "calwebb_image2": "gpipe.pipeline.image2.Image2Pipeline",
}
SINGLE_STEPS: tuple[str, ...] = ()
"""Steps that no pipeline of gpipe has yet."""
OTHER_PIPELINES = {
    "calwebb_guider": "GuiderPipeline",
    "calwebb_spec2": "Spec2Pipeline",
    "calwebb_image3": "Image3Pipeline",
    "calwebb_spec3": "Spec3Pipeline",
    "calwebb_tso3": "Tso3Pipeline",
    "calwebb_ami3": "Ami3Pipeline",
    "calwebb_coron3": "Coron3Pipeline",
    "calwebb_wfs-image3": "WfsCombineStep",
}
OTHER_STEPS = (
    *("guider_cds", "badpix_selfcal", "msa_flagging", "imprint", "extract_2d"),
    *("srctype", "master_background_mos", "wavecorr", "straylight", "targ_centroid", "fringe"),
    *("pathloss", "barshadow", "wfss_contam", "residual_fringe", "adaptive_trace_model"),
    *("pixel_replace", "resample_spec", "cube_build", "extract_1d", "assign_mtwcs", "tweakreg"),
    *("skymatch", "outlier_detection", "source_catalog", "master_background", "spectral_leak", "combine_1d"),
    *("tso_photometry", "white_light", "ami_analyze", "ami_normalize", "stack_refs", "align_refs", "klip", "hlsp"),
)


@dataclass(frozen=True)
class Entry:
    """A pipeline or step.

    Attributes
    ----------
    name : alias, as in parameter files and suffixes.
    kind : ``"pipeline"`` or ``"step"``.
    cls : its class; None where gpipe has none yet and ``jwst`` is needed.
    meaning : one sentence.
    """

    name: str
    kind: str
    cls: type[Step] | None = None
    meaning: str = ""


def available(pattern: str = "*") -> list[Entry]:
    """List pipelines and steps in the order in which they run, those that only ``jwst`` has included.

    Parameters
    ----------
    pattern : for names, ``*`` stands for any text (``"clean*"``); without one, a part of names (``"flicker"``).
    """
    pattern = pattern if set(pattern) & set("*?[") else f"*{pattern}*"
    return [entry for entry in _all() if fnmatch(entry.name, pattern)]


def named(name: str) -> Entry | None:
    """Find a pipeline or step by its alias or class, the latter also with a module (``jwst.jump.JumpStep``).

    A class of another package is none of gpipe's, even if it has the name of one.
    """
    module, _, last = name.rpartition(".")
    if module.partition(".")[0] not in ("", "jwst", "gpipe"):
        return None
    found = (e for e in _all() if name == e.name or (e.cls and last == e.cls.__name__) or last == _of_jwst(e))
    return next(found, None)


def names() -> list[str]:
    """List the aliases and classes of gpipe's pipelines and steps."""
    return [name for entry in _all() if entry.cls for name in (entry.name, entry.cls.__name__)]


def _of_jwst(entry: Entry) -> str | None:
    return OTHER_PIPELINES.get(entry.name)


def _all() -> Iterator[Entry]:
    pipelines = [_imported(path) for path in PIPELINES.values()]
    yield from (Entry(cls.alias, "pipeline", cls, _first_sentence(cls)) for cls in pipelines)
    yield from (Entry(name, "pipeline") for name in OTHER_PIPELINES)
    steps = {step.alias: step for cls in pipelines for step in cls.substeps().values()}
    steps |= {step.alias: step for step in map(_imported, SINGLE_STEPS)}
    yield from (Entry(name, "step", step, _first_sentence(step)) for name, step in steps.items())
    yield from (Entry(name, "step") for name in OTHER_STEPS)


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _first_sentence(cls: type[Step]) -> str:
    text = " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".") + "." if text else ""
