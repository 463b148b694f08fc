"""``X.call`` and ``X().run``: from what a user passes to settled parameters, then one run for each exposure."""

import functools
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from gpipe.backends import Backend
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.parameters import files, precedence
from gpipe.controller.parameters.origins import Settings
from gpipe.controller.products.background_writer import background_writing
from gpipe.controller.reporting import logs
from gpipe.exceptions import ParameterError
from gpipe.imports import collector_at_rest

log = logging.getLogger(__name__)


class called_on_class:  # noqa: N801 - a decorator
    """A classmethod that warns when it is called on an instance whose parameters were set: they are not used."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]

    def __get__(self, instance: StepBase | None, owner: type[StepBase]) -> Callable[..., Any]:
        return functools.update_wrapper(functools.partial(self._call, instance, owner), self.function)

    def _call(self, instance: StepBase | None, owner: type[StepBase], *args: Any, **kwargs: Any) -> Any:
        changed = instance.changed() if instance is not None else ()
        if changed:
            what = f"{owner.__name__}.call makes a new instance; set on this one and not used: {', '.join(changed)}"
            warnings.warn(what, stacklevel=2)
        return self.function(owner, *args, **kwargs)


@dataclass(frozen=True)
class CallOptions:
    """Keywords of ``Step.call`` and ``Step.plan``, which describe them."""

    parameters: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]] | None = None
    config_file: str | os.PathLike[str] | None = None
    name: str | None = None
    backend: str | Backend | None = None
    max_memory: Any = None
    logcfg: str | os.PathLike[str] | None = None
    configure_log: bool = True

    def user_layers(self, cls: type[StepBase]) -> list[Settings]:
        """The values that the user gives, lowest rank first."""
        from_file = [] if self.config_file is None else files.layers_from_file(cls, self.config_file)
        return [*from_file, *precedence.layers_from_keywords(cls, self.parameters, self.steps)]


def call(cls: type[StepBase], source: Any, options: CallOptions) -> Any:
    """See ``Step.call``."""
    user_layers = options.user_layers(cls)
    cls(options.name).configure(user_layers)  # tells a user's mistakes before anything is opened
    sources = _several(source, options.parameters)
    with collector_at_rest():
        from gpipe.controller.run.run import execute  # pulls in NumPy and the readers; importing a step does not

    configuration = logs.read_configuration(options.logcfg, [options.parameters.get("output_dir")])
    several = background_writing() if sources is not None else nullcontext()
    with logs.installed(configuration) if options.configure_log else nullcontext(), several:
        results = []
        for one in [source] if sources is None else sources:
            with _progress(shown=options.configure_log):
                with collector_at_rest():
                    step, header = _settled(cls, one, user_layers, options.name)
                results.append(execute(step, header, options.backend, options.max_memory))
    return results if sources is not None else results[0]


def plan(cls: type[StepBase], source: Any, options: CallOptions) -> Any:
    """See ``Step.plan``."""
    from gpipe.controller.run.run import foresee

    step, header = _settled(cls, source, options.user_layers(cls), options.name)
    return foresee(step, header, options.backend, options.max_memory)


def run(step: StepBase, source: Any, backend: str | Backend | None, max_memory: Any) -> Any:
    """See ``Step.run``."""
    from gpipe.controller.run.run import execute

    say_that_run_reads_no_crds_parameters()
    return execute(step, source, backend, max_memory)


def _settled(
    cls: type[StepBase], source: Any, user_layers: Sequence[Settings], name: str | None
) -> tuple[StepBase, Any]:
    """A step with the parameters for an exposure, and the header of that."""
    from gpipe.datamodels import read_header

    header = read_header(source, expects=cls.kinds())
    return cls(name).configure([*_crds_layers(cls, header), *user_layers]), header


def _crds_layers(cls: type[StepBase], header: Any) -> list[Settings]:
    if precedence.crds_parameters_disabled():
        log.debug("STPIPE_DISABLE_CRDS_STEPPARS is set: no parameters from CRDS")
        return []
    from gpipe.controller.references.resolution import ask_for_parameter_files, find_parameter_file
    from gpipe.datamodels import crds_parameters

    needed = [step.name for step in cls().sequence(header.meta) if step.parent is not None]
    parameters, substeps = crds_parameters(header), cls.substeps()
    types = [precedence.parameter_file_type(wanted) for wanted in (*(substeps[name] for name in needed), cls)]
    ask_for_parameter_files(types, parameters)
    return precedence.layers_from_crds(cls, needed, functools.partial(find_parameter_file, crds_parameters=parameters))


def _several(source: Any, parameters: Mapping[str, Any]) -> list[Any] | None:
    """The exposures of a list, or None for one exposure."""
    if not isinstance(source, list | tuple):
        return None
    if len(source) > 1 and parameters.get("output_file"):
        raise ParameterError(
            f"output_file: found one name for {len(source)} exposures, expected output_dir, which keeps their own names"
        )
    return list(source)


@contextmanager
def _progress(*, shown: bool) -> Iterator[None]:
    """A line on the terminal that says which step is at work; nothing where stderr is not a terminal."""
    if not (shown and sys.stderr.isatty()):
        yield
        return
    from gpipe.controller.reporting.progress import progress_shown

    with progress_shown():
        yield


@functools.cache
def say_that_run_reads_no_crds_parameters() -> None:
    """Once in a process."""
    if not precedence.crds_parameters_disabled():
        log.warning("run() uses the parameters of this instance; CRDS parameter files are read by call() only")
