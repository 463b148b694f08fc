"""`run` and `plan`: many files, one after the other."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from gpipe.backends import Backend
from gpipe.batch.choice import chosen_for
from gpipe.batch.events import Follow
from gpipe.batch.files import Inputs, expanded
from gpipe.batch.heading import heading
from gpipe.batch.keys import Keys
from gpipe.batch.progress import Progress
from gpipe.batch.report import RunReport
from gpipe.controller import Step
from gpipe.controller import call as calling
from gpipe.controller import parameters as p
from gpipe.controller.call import CallOptions
from gpipe.controller.inputs import Job, jobs_of
from gpipe.controller.plan import threads
from gpipe.controller.plan.run_plan import RunPlan
from gpipe.exceptions import ParameterError

Files = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
Tell = Callable[[str], None]


def run(
    files: Files,
    *,
    pipeline: str | type[Step] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    steps: Mapping[str, Mapping[str, Any]] | None = None,
    config_file: str | os.PathLike[str] | None = None,
    backend: str | Backend | None = None,
    max_memory: int | str | Mapping[str, int | str] | None = None,
    logcfg: str | os.PathLike[str] | None = None,
    configure_log: bool = True,
    uses_crds_parameters: bool = True,
    if_exists: Literal["replace", "skip", "error"] = "replace",
    keep_going: bool = True,
    cores: int | str | None = None,
    tell: Tell | None = None,
    follow: Follow | None = None,
    **parameters: Any,
) -> RunReport:
    """Calibrate files, one after the other, and write the products.

    Parameters
    ----------
    files : paths, patterns, folders, lists of names: see `gpipe.batch.files.expanded`.
    pipeline : a pipeline or step, by alias or class (``"calwebb_detector1"``, ``"jwst.pipeline.Detector1Pipeline"``);
        by default what the files hold decides.
    output_dir : folder of the products, by default the working directory.
    steps, config_file, backend, max_memory, logcfg, configure_log, parameters : as of ``Step.call``.
    if_exists : ``"error"`` refuses a run whose products exist, before work. ``"skip"`` leaves out each exposure whose
        products are there, whole, and made from the same input, parameters, references and version of gpipe.
    uses_crds_parameters : False leaves out the parameter files of CRDS.
    keep_going : every file is tried; False stops at the first that fails.
    cores : that all work shares, whatever steps say: a number, ``"half"`` … By default all that this process may use.
    tell : called with a line on the run before work, and one for each exposure when it is done or has failed.
    follow : called with each `gpipe.batch.RunEvent`: what is planned, started, done or failed, steps and products.

    Returns
    -------
    A report of all exposures, in order, with their products and errors. Results are in the files only.

    Raises
    ------
    GpipeError
        Before work begins: a file is not there, no pipeline is for the files, a parameter is wrong, or names of
        products clash with each other or with inputs.
    """
    paths = expanded(files)
    cls = chosen_for(paths, pipeline)
    options = _options(
        parameters,
        output_dir,
        steps=steps,
        config_file=config_file,
        backend=backend,
        max_memory=max_memory,
        logcfg=logcfg,
        configure_log=configure_log,
        uses_crds_parameters=uses_crds_parameters,
    )
    _check(if_exists)
    progress, began, to_do = Progress(tell, follow), time.perf_counter(), _jobs(paths, cls)
    with threads.limited_to(cores), Keys(skips=if_exists == "skip") as keys:
        lines = heading(cls, to_do, options)
        progress.planned([job.owner.name for job in to_do], cls.alias or cls.__name__, lines)
        calling.call_each(
            cls,
            to_do,
            options,
            progress.around,
            progress.settled,
            replaces=if_exists != "error",
            keep_going=keep_going,
            identify=keys.identify,
        )
    report = RunReport(tuple(progress.outcomes), time.perf_counter() - began, untried=len(to_do))
    progress.emit("summary", **report.totals())
    return report


def _check(if_exists: str) -> None:
    if if_exists not in ("replace", "skip", "error"):
        raise ParameterError.at("if_exists", repr(if_exists), "'replace', 'skip' or 'error'")


def _jobs(paths: Inputs, cls: type[Step]) -> list[Job]:
    """Make the jobs of the files, with the headers that have been read already."""
    to_do = jobs_of(cls, [*paths])
    for job in to_do:
        if header := paths.headers.pop(job.source, None):
            job.take_header(header)
    return to_do


def plan(
    files: Files,
    *,
    pipeline: str | type[Step] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    backend: str | Backend | None = None,
    max_memory: int | str | Mapping[str, int | str] | None = None,
    steps: Mapping[str, Mapping[str, Any]] | None = None,
    config_file: str | os.PathLike[str] | None = None,
    uses_crds_parameters: bool = True,
    cores: int | str | None = None,
    **parameters: Any,
) -> list[RunPlan]:
    """Preview what `run` would do with each file. No pixel is read; arguments and errors are those of `run`.

    All that is wrong with any of the files is told in one error.
    """
    paths = expanded(files)
    options = _options(
        parameters,
        output_dir,
        steps=steps,
        config_file=config_file,
        backend=backend,
        max_memory=max_memory,
        uses_crds_parameters=uses_crds_parameters,
    )
    cls = chosen_for(paths, pipeline)
    with threads.limited_to(cores):
        return calling.plan_each(cls, _jobs(paths, cls), options)


def _options(parameters: Mapping[str, Any], output_dir: str | os.PathLike[str] | None, **others: Any) -> CallOptions:
    folder = {} if output_dir is None else {"output_dir": os.fspath(output_dir)}
    if p.Boolean(True).named("save_results").validate(None, parameters.get("save_results", True)) is False:
        raise ParameterError.at("save_results", "false", "true: a run writes the products of all exposures")
    return CallOptions({"save_results": True, **parameters, **folder}, **others)
