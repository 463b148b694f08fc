"""``X.call`` and ``X().run``: from what a user passes to settled parameters, then one run for each job."""

import functools
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from gpipe.backends import Backend
from gpipe.controller.declaration.given import Given
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.parameters import files, precedence
from gpipe.controller.parameters.origins import Settings
from gpipe.controller.reporting import logs, notebook
from gpipe.exceptions import GpipeError, ParameterError, raise_all
from gpipe.imports import collector_at_rest

if TYPE_CHECKING:
    from inspect import Signature

    from gpipe.controller.inputs import Job
    from gpipe.controller.run.run import Identify
    from gpipe.controller.several import Outcome, Settled

log = logging.getLogger(__name__)

ON_ERROR = ("raise", "return")
Around = Callable[[str, int], AbstractContextManager[None]]


class Verb:
    """A classmethod of a class or an instance: ``call`` or ``plan``, with a signature that lists the parameters."""

    __name__: str
    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], instance: StepBase | None, owner: type[StepBase]) -> None:
        self._instance, self._owner = instance, owner
        functools.update_wrapper(self, function)

    @overload
    def __call__(self, source: list[Any] | tuple[Any, ...], *arguments: Any, **options: Any) -> list[Any]: ...
    @overload
    def __call__(self, source: Any, *arguments: Any, **options: Any) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        changed = self._instance.changed() if self._instance is not None else ()
        if changed:
            what = f"{self._owner.__name__}.call makes a new instance; set on this one and not used: "
            warnings.warn(what + ", ".join(changed), stacklevel=2)
        return self.__wrapped__(self._owner, *args, **kwargs)

    @property
    def __signature__(self) -> "Signature":
        from gpipe.controller.display.signature import of_call

        return of_call(self.__wrapped__, self._owner)

    def __get__(self, instance: object, owner: type) -> "Verb":
        return self  # what has this method is a routine for inspect, pydoc and Sphinx

    def __repr__(self) -> str:
        return f"<{self._owner.__name__}.{self.__name__}>"


class called_on_class:  # noqa: N801 - a decorator
    """A classmethod that warns when it is called on an instance whose parameters were set: they are not used."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]

    def __get__(self, instance: StepBase | None, owner: type[StepBase]) -> Verb:
        return Verb(self.function, instance, owner)


@dataclass(frozen=True)
class CallOptions:
    """Keywords of ``Step.call`` and ``Step.plan``, which describe them."""

    parameters: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]] | None = None
    config_file: str | os.PathLike[str] | None = None
    name: str | None = None
    backend: str | Backend | None = None
    max_memory: Any = None
    logcfg: str | os.PathLike[str] | logs.Configuration | None = None
    configure_log: bool = True
    uses_crds_parameters: bool = True
    on_error: str = "raise"

    def logging(self, title: str) -> AbstractContextManager[None]:
        """Return the context in which the log of a call goes where the user wants it; ``title`` is of a table."""
        if not self.configure_log:
            return nullcontext()
        return notebook.told(title, self.logcfg, [self.parameters.get("output_dir")])

    def user_layers(self, cls: type[StepBase]) -> list[Settings]:
        """The values that the user gives, lowest rank first."""
        from_file = [] if self.config_file is None else files.layers_from_file(cls, self.config_file)
        return [*from_file, *precedence.layers_from_keywords(cls, self.parameters, self.steps)]


def call(cls: type[StepBase], source: Any, options: CallOptions) -> Any:
    """See ``Step.call``."""
    if options.on_error not in ON_ERROR:
        raise ParameterError.at("on_error", repr(options.on_error), " or ".join(map(repr, ON_ERROR)))
    user_layers = options.user_layers(cls)
    top = cls(options.name).configure(user_layers)  # tells a user's mistakes before anything is opened
    with collector_at_rest():
        # These pull in NumPy and the readers; importing a step does not.
        from gpipe.controller.run.run import check_options, execute
    check_options(options.backend, options.max_memory)

    def work(job: Any) -> Any:
        with _progress(shown=options.configure_log):
            with collector_at_rest():
                step = _settled(cls, job, user_layers, options)
            return execute(step, job.science, options.backend, options.max_memory, job=job)

    with options.logging(top.name):
        return _for_each_job(top, source, work, options.on_error)


def call_each(
    cls: type[StepBase],
    to_do: "list[Job]",
    options: CallOptions,
    around: Around,
    settled: "Settled | None" = None,
    *,
    replaces: bool = True,
    keep_going: bool = True,
    identify: "Identify | None" = None,
) -> list["Outcome"]:
    """Calibrate exposures, one after the other, whatever becomes of each; no result stays in memory.

    Parameters
    ----------
    to_do : jobs of a list of exposures; they leave the list.
    around : from an exposure's name, and the number of exposures, to a context in which its work is done.
    settled, keep_going : as of `several.try_all`.
    replaces : whether products may take the place of existing files.
    identify : as of `execute`.

    An exposure whose header is wrong fails without work; the headers of all are read first.

    Raises
    ------
    OutputError
        Before work: names of products clash with each other, with inputs, or with files that are not to be replaced.
        The first error; its notes tell all others.
    """
    from gpipe.controller.products.claims import NameClashError
    from gpipe.controller.run.run import check_options, execute
    from gpipe.controller.run.termination import ends_cleanly
    from gpipe.controller.several import find_problems, try_all

    user_layers = options.user_layers(cls)
    top = cls(options.name).configure(user_layers)
    check_options(options.backend, options.max_memory)
    _check_name([], len(to_do), top.output_file)
    problems = find_problems(top, to_do, replaces=replaces)
    raise_all([problem for problem in problems if isinstance(problem, NameClashError)])
    total, waiting = len(to_do), iter(problems)

    def work(job: Any) -> None:
        with around(job.owner.name, total):
            if problem := next(waiting):
                raise problem
            step = _settled(cls, job, user_layers, options)
            execute(step, job.science, options.backend, options.max_memory, job=job, identify=identify)

    with options.logging(top.name), ends_cleanly():
        return try_all(to_do, work, settled, keep_going=keep_going)


def plan(cls: type[StepBase], source: Any, options: CallOptions) -> Any:
    """See ``Step.plan``."""
    from gpipe.controller.run.run import check_options, foresee

    user_layers = options.user_layers(cls)
    check_options(options.backend, options.max_memory)

    def work(job: Any) -> Any:
        step = _settled(cls, job, user_layers, options)
        return foresee(step, job.science, options.backend, options.max_memory, job=job)

    return _for_each_job(cls(options.name).configure(user_layers), source, work)


def plan_each(cls: type[StepBase], to_do: "list[Job]", options: CallOptions) -> list[Any]:
    """Plan the jobs of a list of exposures.

    Raises
    ------
    GpipeError
        The first error; its notes tell all others.
    """
    from gpipe.controller.run.run import check_options, foresee
    from gpipe.controller.several import find_problems

    user_layers = options.user_layers(cls)
    top = cls(options.name).configure(user_layers)
    check_options(options.backend, options.max_memory)
    _check_name([], len(to_do), top.output_file)
    plans, problems = [], []
    for job, problem in zip(to_do, find_problems(top, to_do), strict=True):
        try:
            if problem:
                raise problem
            step = _settled(cls, job, user_layers, options)
            plans.append(foresee(step, job.science, options.backend, options.max_memory, job=job))
        except GpipeError as error:
            problems.append(error)
    raise_all(problems)
    return plans


def settled(cls: type[StepBase], source: Any, options: CallOptions) -> tuple[Any, list[Settings]]:
    """Return a step with the parameters that a call would use, and the layers that gave them, lowest rank first.

    ``source`` is one exposure; None leaves out what CRDS recommends for it.
    """
    from gpipe.controller.inputs import Job

    layers = options.user_layers(cls)
    if source is not None:
        layers = _layers(cls, Job(source, cls.kinds()), layers, options)
    return cls(options.name).configure(layers), layers


def run(step: StepBase, source: Any, backend: str | Backend | None, max_memory: Any) -> Any:
    """See ``Step.run``."""
    from gpipe.controller.run.run import check_options, execute

    check_options(backend, max_memory)
    if step.parent is None:
        say_that_run_reads_no_crds_parameters()
    with notebook.table_shown(step.name):
        return _for_each_job(step, source, lambda job: execute(step, job.science, backend, max_memory, job=job))


def standard_process(step: StepBase, source: Any) -> Any:
    """Do the work of a step or pipeline without its hooks and without saving what it returns."""
    from gpipe.controller.run.run import execute

    return execute(step, source, inner=True)


def _for_each_job(top: StepBase, source: Any, work: Callable[[Any], Any], on_error: str = "raise") -> Any:
    """Do the work of each job of an input: a list of results where the jobs say so, else one result.

    ``top`` has the parameters that the user gave.
    """
    with collector_at_rest():
        from gpipe.controller.inputs import jobs_of
        from gpipe.controller.run.termination import ends_cleanly
        from gpipe.controller.several import check_all, each, each_or_error

    to_do = jobs_of(type(top), source)
    as_list = top.returns_list or not to_do or to_do[0].as_list
    if len(to_do) == 1 and not (as_list and isinstance(source, list | tuple)):
        with ends_cleanly():
            result = work(to_do[0])
        return [result] if as_list else result
    _check_name(source, len(to_do), top.output_file)
    if on_error == "return":
        with ends_cleanly():
            return each_or_error(top, to_do, work)
    with collector_at_rest():
        check_all(top, to_do)
    with ends_cleanly():
        return each(to_do, work)


def _settled(cls: type[StepBase], job: Any, user_layers: Sequence[Settings], options: CallOptions) -> StepBase:
    """A step with the parameters for a job."""
    return cls(options.name).configure(_layers(cls, job, user_layers, options))


def _layers(cls: type[StepBase], job: Any, user_layers: Sequence[Settings], options: CallOptions) -> list[Settings]:
    """All values for a job, lowest rank first."""
    return [*(_crds_layers(cls, job) if options.uses_crds_parameters else ()), *user_layers]


def _crds_layers(cls: type[StepBase], job: Any) -> list[Settings]:
    if precedence.crds_parameters_disabled():
        log.debug("STPIPE_DISABLE_CRDS_STEPPARS is set: no parameters from CRDS")
        return []
    from gpipe.controller.references.resolution import find_parameter_file, parameter_file_names
    from gpipe.datamodels import crds_parameters

    types = parameter_file_types(cls, job.science.meta, Given.of(job.science, job.companions))
    parameters = crds_parameters(job.science)
    parameter_file_names(list(types.values()), parameters)  # one request for all that are asked for below
    needed = [name for name in types if name is not None]
    return precedence.layers_from_crds(cls, needed, functools.partial(find_parameter_file, crds_parameters=parameters))


def parameter_file_types(cls: type[StepBase], meta: Any, given: Given | None = None) -> dict[str | None, str]:
    """List the types of parameter files that CRDS may have for an exposure, by step; None stands for the whole."""
    needed = [step.name for step in cls().sequence(meta, given) if step.parent is not None]
    substeps = cls.substeps()
    owners: dict[str | None, Any] = {name: substeps[name] for name in (substeps if cls.has_own_process() else needed)}
    return {name: precedence.parameter_file_type(owner) for name, owner in {**owners, None: cls}.items()}


def _check_name(source: Any, count: int, output_file: str | None) -> None:
    """Refuse one name for a list of exposures; warn that it is not used for several products of an association."""
    if count < 2 or not output_file:
        return
    if isinstance(source, list | tuple):
        raise ParameterError(
            f"output_file: found one name for {count} exposures, expected output_dir, which keeps their own names"
        )
    log.warning("Multiple products in input association. Output file name will be ignored.")


@contextmanager
def _progress(*, shown: bool) -> Iterator[None]:
    """A line on the terminal that says which step is at work; nothing where stderr is not a terminal."""
    if not (shown and _is_terminal(sys.stderr) and notebook.chosen() in ("", notebook.TABLE)):
        yield
        return
    from gpipe.controller.reporting.progress import progress_shown

    with progress_shown():
        yield


def _is_terminal(stream: Any) -> bool:
    """Tell whether a stream is a terminal; a process without one has None, or one that is closed."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


@functools.cache
def say_that_run_reads_no_crds_parameters() -> None:
    """Once in a process."""
    if not precedence.crds_parameters_disabled():
        log.warning("run() uses the parameters of this instance; CRDS parameter files are read by call() only")
