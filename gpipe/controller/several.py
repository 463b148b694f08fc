"""Jobs of a list: what can be refused is refused before the first; then all are tried, and every error is told."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.controller.declaration.given import Given
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.inputs import Job
from gpipe.controller.products.background_writer import Problems, background_writing, problems_of_writing
from gpipe.controller.products.claims import NameClashError
from gpipe.controller.references.resolution import Resolution
from gpipe.controller.reporting.events import ExposureDone, ExposureStarted, emit, watch
from gpipe.controller.reporting.logs import named_in_log
from gpipe.controller.run.preparation import saver_of
from gpipe.controller.run.record import RunRecord, output_levels
from gpipe.datamodels.group_header import GroupHeader
from gpipe.exceptions import GpipeError, exposures_failed, raise_all

log = logging.getLogger(__name__)

Settled = Callable[["Outcome"], None]

HEADERS_HELD = 64
"""Longest list whose headers stay in memory until their turn; those of a longer one are read twice."""


@dataclass
class Outcome:
    """The end of a job: its result, None if it failed, and errors. One whose file cannot be written has both."""

    name: str
    result: Any
    problems: Problems

    @property
    def is_settled(self) -> bool:
        """True where its files are on disk, whole, or have failed."""
        return self.problems.are_all


def check_all(top: StepBase, jobs: list[Job]) -> None:
    """Read all headers and claim the names of all products.

    Parameters
    ----------
    top : the step or pipeline, with the parameters of the user.

    Raises
    ------
    GpipeError
        The first error; its notes tell all others.
    """
    raise_all([problem for problem in find_problems(top, jobs) if problem])


def find_problems(top: StepBase, jobs: list[Job], *, replaces: bool = True) -> list[GpipeError | None]:
    """Read all headers and claim the names of all products: for each job what is wrong with it, or None.

    ``replaces`` is False where products may not take the place of existing files.
    """
    return [_problem(top, job, replaces=replaces, forgets=len(jobs) > HEADERS_HELD) for job in jobs]


def _problem(top: StepBase, job: Job, *, replaces: bool, forgets: bool) -> GpipeError | None:
    try:
        _claim_names(top, job, replaces=replaces)
    except GpipeError as error:
        return error
    finally:
        if forgets:
            job.forget_header()
    return None


def _claim_names(top: StepBase, job: Job, *, replaces: bool) -> None:
    header, levels = job.science, output_levels(top)
    saver, steps = saver_of(job, header), top.sequence(header.meta, Given.of(header, job.companions))
    if not isinstance(header, GroupHeader):
        record, everyone = RunRecord(top, saver, Resolution(), ()), dict.fromkeys((top, *steps))
        record.claim_names(everyone, header)
        if not replaces:
            files = [path for step in everyone for path, _ in record.expected_files(step, header)]
            _refuse_existing([path for path in files if path.exists()])
    elif levels[0].saves:  # steps decide whether the group has products or its members have
        saver.claim(saver.path(levels, default_suffix=top.name, suffix="*"), levels)


def _refuse_existing(files: list[Path]) -> None:
    if files:
        names = "\n".join(f"{path}: found a file under the name of a product, expected nothing" for path in files)
        raise NameClashError(names)


def each(jobs: list[Job], work: Callable[[Job], Any]) -> list[Any]:
    """Do the work of all jobs and return the results.

    Raises
    ------
    ExposureErrors
        Some failed. The others were done, and their results go with the error.
    """
    outcomes = try_all(jobs, _logging_errors(work))
    if problems := list(_told(outcomes)):
        failed = sum(bool(outcome.problems) for outcome in outcomes)
        raise exposures_failed(problems, failed, len(outcomes), [outcome.result for outcome in outcomes])
    return [outcome.result for outcome in outcomes]


def each_or_error(top: StepBase, jobs: list[Job], work: Callable[[Job], Any]) -> list[Any]:
    """Do the work of all jobs and return the results; in the place of a result that failed stands its first error."""
    problems = iter(find_problems(top, jobs))

    def work_unless_wrong(job: Job) -> Any:
        if problem := next(problems):
            raise problem
        return work(job)

    outcomes = try_all(jobs, _logging_errors(work_unless_wrong))
    list(_told(outcomes))
    return [next(iter(outcome.problems), outcome.result) for outcome in outcomes]


def _logging_errors(work: Callable[[Job], Any]) -> Callable[[Job], Any]:
    def work_and_log(job: Job) -> Any:
        try:
            return work(job)
        except Exception as error:
            log.error("%s failed: %s", job.owner, error)
            raise

    return work_and_log


def try_all(
    jobs: list[Job], work: Callable[[Job], Any], settled: Settled | None = None, *, keep_going: bool = True
) -> list[Outcome]:
    """Do the work of all jobs, one after the other, whatever becomes of each; or stop after one that fails.

    Files are written in the background. A job leaves the list when its turn comes, and nothing of it outlives that.
    ``settled`` is called with each outcome, in order, when its files are on disk; on this thread, so while the next
    job is worked on.
    """
    outcomes: list[Outcome] = []
    told = _InOrder(outcomes, settled)
    try:
        with background_writing(), told.watching():
            total = len(jobs)
            for position in range(1, total + 1):
                with named_in_log(jobs[0].owner.name if total > 1 else ""):
                    outcomes.append(_followed(jobs.pop(0), work, position, total))
                if not keep_going and outcomes[-1].problems:
                    break
        told.tell()
    except BaseException as error:  # an interruption
        for problem in _told(outcomes):
            error.add_note(f"also: {problem}")
        raise
    return outcomes


class _InOrder:
    """Tells of outcomes in their order, each when its files are on disk."""

    def __init__(self, outcomes: list[Outcome], tell: Settled | None) -> None:
        self._outcomes, self._tell, self._told = outcomes, tell, 0
        self._thread = threading.current_thread()

    def watching(self) -> AbstractContextManager[None]:
        """Return the context within which the events of a run are moments to look at the disk."""
        return watch(lambda _: self.tell()) if self._tell else nullcontext()

    def tell(self) -> None:
        """Tell of those that are settled and have not been told."""
        if self._tell is None or threading.current_thread() is not self._thread:
            return
        while self._told < len(self._outcomes) and self._outcomes[self._told].is_settled:
            self._told += 1
            self._tell(self._outcomes[self._told - 1])


def _followed(job: Job, work: Callable[[Job], Any], position: int, total: int) -> Outcome:
    """Do the work of a job; where there are several, watchers are told of its beginning and end."""
    if total == 1:
        return _tried(job, work)
    name, began = job.owner.name, time.perf_counter()
    emit(ExposureStarted(name, position, total))
    outcome = _tried(job, work)
    problem = "".join(str(error) for error in outcome.problems[:1])
    emit(ExposureDone(name, time.perf_counter() - began, problem))
    return outcome


def _tried(job: Job, work: Callable[[Job], Any]) -> Outcome:
    with problems_of_writing() as problems:
        try:
            return Outcome(str(job.owner), work(job), problems)
        except Exception as error:
            _let_go(error)
            problems.append(error)
            return Outcome(str(job.owner), None, problems)


def _told(outcomes: list[Outcome]) -> Iterator[Exception]:
    """Yield all errors, each with the name of its exposure in a note."""
    for outcome in outcomes:
        for problem in outcome.problems:
            problem.add_note(f"in {outcome.name}")
            yield problem


def _let_go(error: BaseException | None) -> None:
    """Let go of the pixels that frames of an error hold, which would stay in memory until the last job is done."""
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
