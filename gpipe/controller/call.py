"""``X.call`` and ``X().run``: from what a user passes to settled parameters, then one run for each exposure."""

import functools
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from gpipe.backends import Backend
from gpipe.controller import logs, precedence
from gpipe.controller.behind import writing_behind
from gpipe.controller.settings import Settings
from gpipe.exceptions import ParameterError
from gpipe.imports import collector_at_rest

if TYPE_CHECKING:
    from gpipe.controller.step import Step

log = logging.getLogger(__name__)


class called_on_class:  # noqa: N801 - a decorator
    """A classmethod that warns when it is called on an instance whose parameters were set: they are not used."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)  # type: ignore[arg-type]

    def __get__(self, instance: "Step | None", owner: "type[Step]") -> Callable[..., Any]:
        return functools.update_wrapper(functools.partial(self._call, instance, owner), self.function)

    def _call(self, instance: "Step | None", owner: "type[Step]", *args: Any, **kwargs: Any) -> Any:
        changed = instance.changed() if instance is not None else ()
        if changed:
            what = f"{owner.__name__}.call makes a new instance; set on this one and not used: {', '.join(changed)}"
            warnings.warn(what, stacklevel=2)
        return self.function(owner, *args, **kwargs)


def call(
    cls: "type[Step]",
    source: Any,
    *,
    backend: str | Backend | None,
    max_memory: Any,
    config_file: str | os.PathLike[str] | None,
    steps: Mapping[str, Mapping[str, Any]] | None,
    logcfg: str | os.PathLike[str] | None,
    configure_log: bool,
    name: str | None,
    parameters: Mapping[str, Any],
) -> Any:
    """See ``Step.call``."""
    user_layers = _user_layers(cls, config_file, parameters, steps)
    cls(name).configure(user_layers)  # tells a user's mistakes before anything is opened
    sources = _several(source, parameters)
    with collector_at_rest():
        from gpipe.controller.execution import execute  # pulls in NumPy and the readers; importing a step does not

    configuration = logs.read_configuration(logcfg, [parameters.get("output_dir")])
    several = writing_behind() if sources is not None else nullcontext()
    with logs.installed(configuration) if configure_log else nullcontext(), several:
        results = []
        for one in [source] if sources is None else sources:
            with _progress(shown=configure_log):
                with collector_at_rest():
                    step, header = _settled(cls, one, user_layers, name)
                results.append(execute(step, header, backend, max_memory))
    return results if sources is not None else results[0]


def plan(
    cls: "type[Step]",
    source: Any,
    *,
    backend: str | Backend | None,
    max_memory: Any,
    config_file: str | os.PathLike[str] | None,
    steps: Mapping[str, Mapping[str, Any]] | None,
    parameters: Mapping[str, Any],
) -> Any:
    """See ``Step.plan``."""
    from gpipe.controller.execution import foresee

    step, header = _settled(cls, source, _user_layers(cls, config_file, parameters, steps), None)
    return foresee(step, header, backend, max_memory)


def _user_layers(
    cls: "type[Step]",
    config_file: str | os.PathLike[str] | None,
    parameters: Mapping[str, Any],
    steps: Mapping[str, Mapping[str, Any]] | None,
) -> list[Settings]:
    from_file = [] if config_file is None else precedence.layers_from_file(cls, config_file)
    return [*from_file, *precedence.layers_from_keywords(cls, parameters, steps)]


def _settled(cls: "type[Step]", source: Any, user_layers: Sequence[Settings], name: str | None) -> tuple["Step", Any]:
    """A step with the parameters for an exposure, and the header of that."""
    from gpipe.datamodels import read_header

    header = read_header(source, expects=cls.accepts)
    return cls(name).configure([*_crds_layers(cls, header), *user_layers]), header


def _crds_layers(cls: "type[Step]", header: Any) -> list[Settings]:
    if precedence.crds_parameters_disabled():
        log.debug("STPIPE_DISABLE_CRDS_STEPPARS is set: no parameters from CRDS")
        return []
    from gpipe.controller.references import ask_for_parameter_files, find_parameter_file
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
    from gpipe.controller.progress import progress_shown

    with progress_shown():
        yield


@functools.cache
def say_that_run_reads_no_crds_parameters() -> None:
    """Once in a process."""
    if not precedence.crds_parameters_disabled():
        log.warning("run() uses the parameters of this instance; CRDS parameter files are read by call() only")
