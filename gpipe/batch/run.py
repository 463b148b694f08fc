"""`run` and `plan`: many files, one after the other."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from gpipe.backends import Backend
from gpipe.batch.choice import chosen_for
from gpipe.batch.files import Inputs, expanded
from gpipe.batch.report import Outcome, RunReport
from gpipe.controller import ProductSaved, Step, several, watch
from gpipe.controller import call as calling
from gpipe.controller import parameters as p
from gpipe.controller.call import CallOptions
from gpipe.controller.inputs import Job, jobs
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
    if_exists: Literal["replace", "error"] = "replace",
    tell: Tell | None = None,
    **parameters: Any,
) -> RunReport:
    """Calibrate files, one after the other, and write the products. Every file is tried.

    Parameters
    ----------
    files : paths, patterns, folders, lists of names: see `gpipe.batch.files.expanded`.
    pipeline : a pipeline or step, by alias or class (``"calwebb_detector1"``, ``"jwst.pipeline.Detector1Pipeline"``);
        by default what the files hold decides.
    output_dir : folder of the products, by default the working directory.
    steps, config_file, backend, max_memory, logcfg, configure_log, parameters : as of ``Step.call``.
    if_exists : ``"error"`` refuses a run whose products exist, before work.
    uses_crds_parameters : False leaves out the parameter files of CRDS.
    tell : called with a line for each exposure when it is done or has failed.

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
    progress, began = _Progress(tell), time.perf_counter()
    calling.call_each(cls, _jobs(paths, cls), options, progress.around, progress.settled, replaces=_replaces(if_exists))
    return RunReport(tuple(progress.outcomes), time.perf_counter() - began)


def _replaces(if_exists: str) -> bool:
    if if_exists not in ("replace", "error"):
        raise ParameterError(f"if_exists: found {if_exists!r}, expected 'replace' or 'error'")
    return if_exists == "replace"


def _jobs(paths: Inputs, cls: type[Step]) -> list[Job]:
    """Make the jobs of the files, with the headers that have been read already."""
    to_do = jobs([*paths], cls.kinds())
    for job in to_do:
        if header := paths.headers.pop(job.source, None):
            job.take_header(header)
    return to_do


def _ended(outcome: Outcome, error: Exception | None) -> Outcome:
    """What became of an exposure when all files are written: of one that failed, those products that are there."""
    if error is None:
        return outcome
    return replace(outcome, error=error, products=tuple(path for path in outcome.products if path.is_file()))


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
    return calling.plan_each(cls, _jobs(paths, cls), options)


def _options(parameters: Mapping[str, Any], output_dir: str | os.PathLike[str] | None, **others: Any) -> CallOptions:
    folder = {} if output_dir is None else {"output_dir": os.fspath(output_dir)}
    if p.Boolean(True).named("save_results").validate(None, parameters.get("save_results", True)) is False:
        raise ParameterError("save_results: found false, expected true: a run writes the products of all exposures")
    return CallOptions({"save_results": True, **parameters, **folder}, **others)


class _Progress:
    """Progress of a run: what became of each exposure so far."""

    def __init__(self, tell: Tell | None) -> None:
        self.outcomes: list[Outcome] = []
        self._tell, self._total = tell, 0
        self._worked: deque[Outcome] = deque()

    @contextmanager
    def around(self, name: str, total: int) -> Iterator[None]:
        """Take note of an exposure that is calibrated within the block."""
        self._total = total
        products: list[Path] = []
        began = time.perf_counter()
        try:
            with watch(lambda event: products.append(event.path) if isinstance(event, ProductSaved) else None):
                yield
        finally:
            self._worked.append(Outcome(name, time.perf_counter() - began, tuple(products)))

    def settled(self, one: several.Outcome) -> None:
        """Tell what became of an exposure: its files are on disk now, or have failed."""
        outcome = _ended(self._worked.popleft(), next(iter(one.problems), None))
        self.outcomes.append(outcome)
        if self._tell and (outcome.error is None or self._total > 1):  # the error of an only exposure is told by itself
            self._tell(f"{len(self.outcomes):{len(str(self._total))}}/{self._total} {outcome}")
