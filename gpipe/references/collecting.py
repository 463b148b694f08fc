"""Collection of the references of many exposures, header by header. Nothing of a header stays but names."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpipe.controller import Step
from gpipe.controller import call as calling
from gpipe.controller.call import CallOptions
from gpipe.controller.parameters.origins import Kind, Settings
from gpipe.controller.parameters.precedence import crds_parameters_disabled
from gpipe.controller.products.saving import Saver
from gpipe.controller.references import crds_client
from gpipe.controller.references.overrides import CRDS_SCHEME, Choice
from gpipe.controller.references.resolution import Resolution, choose, parameter_file_names
from gpipe.controller.run.preparation import needs
from gpipe.controller.run.record import RunRecord
from gpipe.datamodels import crds_parameters
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.exceptions import GpipeError
from gpipe.references.report import Needed, NeededReference, State, counted


@dataclass
class _Use:
    choice: Choice
    exposures: dict[str, None] = field(default_factory=dict)
    steps: dict[str, None] = field(default_factory=dict)
    metas: dict[Hashable, Any] = field(default_factory=dict)


@dataclass
class _Settled:
    """A step or pipeline with its parameters, the layers that gave them, and how many exposures share them."""

    step: Any
    layers: list[Settings]
    exposures: int = 0


class Collection:
    """References of exposures that one pipeline calibrates, under the context that is in force, or another one.

    Parameters
    ----------
    cls : the pipeline or step.
    options : what the user gives.
    context : None for the one that is in force.

    Raises
    ------
    ParameterError
        The user gives a wrong value.
    """

    def __init__(self, cls: type[Step], options: CallOptions, context: str | None = None) -> None:
        cls(options.name).configure(options.user_layers(cls))  # tells a user's mistakes before anything is opened
        self.cls, self._options, self._context = cls, options, context
        self._settled: dict[Hashable, _Settled] = {}
        self._uses: dict[tuple[str, Hashable], _Use] = {}
        self._exposures: list[str] = []
        self._instruments: dict[str, None] = {}
        self._detectors: dict[str, None] = {}
        self.problems: list[GpipeError] = []

    def add(self, header: Any) -> None:
        """Take note of what an exposure needs; an error is a problem of this exposure."""
        try:
            with crds_client.in_context(self._context):
                found = self._needs_of(header)
        except GpipeError as error:
            self.problems.append(type(error)(f"{header.name}: {'; '.join(str(error).splitlines())}"))
            return
        self._exposures.append(header.name)
        self._detectors[str(header.meta.instrument.detector)] = None
        for user, reftype, choice in found:
            use = self._uses.setdefault((reftype, choice.key), _Use(choice))
            use.exposures[header.name] = use.steps[user] = None
            use.metas.setdefault((str(header.meta.instrument.name), window_of(header.meta)), header.meta)

    def summary(self) -> str:
        """Count the files of CRDS, and those that the cache lacks, in a few words; none where CRDS is not needed.

        Rules are not counted and sizes not looked up, which takes longer.
        """
        with crds_client.in_context(self._context):
            names = {use.choice.in_crds for use in self._uses.values() if use.choice.in_crds}
            if not names:
                return ""
            absent = sum(not path.is_file() for path in crds_client.places(names).values())
            of = f" of {len(self._detectors)} detectors" if len(self._detectors) > 1 else ""
            where = f"{absent} not in the cache" if absent else "all in the cache"
            return f"{counted(len(names), 'reference')}{of}, {where} (context {crds_client.context()})"

    def as_in_crds(self) -> list[tuple[Any, int]]:
        """List steps with the parameters of CRDS alone, each with the number of exposures that it is for."""
        found = []
        for settled in self._settled.values():
            layers = [layer for layer in settled.layers if layer.origin.kind is Kind.CRDS]
            found.append((self.cls().configure(layers), settled.exposures))
        return found

    def needed(self) -> Needed:
        """Look for the files of all references."""
        with crds_client.in_context(self._context):
            in_crds = [use.choice.in_crds for use in self._uses.values() if use.choice.in_crds]
            if not in_crds:
                return self._report(Needed(()), {}, {})
            rules = crds_client.rules(self._instruments)
            of_crds = Needed(
                (),
                tuple(crds_client.places(rules)[name] for name in rules),
                crds_client.context(),
                crds_client.cache_folder(),
            )
            return self._report(of_crds, crds_client.places(in_crds), crds_client.catalog())

    def _report(self, empty: Needed, places: Mapping[str, Path], catalog: Mapping[str, Any]) -> Needed:
        found = [_reference(reftype, use, places, catalog) for (reftype, _), use in self._uses.items()]
        found.sort(key=lambda one: (one.type.startswith("pars-"), one.type, one.name))
        return replace(empty, references=tuple(found), exposures=tuple(self._exposures), problems=tuple(self.problems))

    def _needs_of(self, header: Any) -> list[tuple[str, str, Choice]]:
        """List user, type and file of each reference, parameter files too."""
        meta, parameters = header.meta, crds_parameters(header)
        pars = self._parameter_files(meta, parameters)
        top = self._top(header, frozenset((name, file.name) for name, _, file in pars))
        record = RunRecord(top, Saver(None), Resolution(), ())
        running = [step for step in top.sequence(meta) if not record.skips(step)]
        wanted, overrides = needs(running, meta)
        chosen, _ = choose(wanted, parameters, overrides)
        self._instruments[str(meta.instrument.name)] = None
        pars = [(step, reftype, choice) for step, reftype, choice in pars if not _is_skipped_by_user(top, step)]
        return [*((step, reftype, choice) for (step, reftype), choice in chosen.items()), *pars]

    def _parameter_files(self, meta: Any, parameters: Mapping[str, Any]) -> list[tuple[str, str, Choice]]:
        if not self._options.uses_crds_parameters or crds_parameters_disabled():
            return []
        types = calling.parameter_file_types(self.cls, meta)
        names = parameter_file_names(list(types.values()), parameters)
        owners = {reftype: name or self.cls.alias or self.cls.__name__ for name, reftype in types.items()}
        return [(owners[reftype], reftype, Choice(CRDS_SCHEME + name)) for reftype, name in names.items()]

    def _top(self, header: Any, files: Hashable) -> Any:
        """The step or pipeline with its parameters, made once for the same parameter files."""
        if files not in self._settled:
            self._settled[files] = _Settled(*_settled(self.cls, header, self._options))
        self._settled[files].exposures += 1
        return self._settled[files].step


def _is_skipped_by_user(top: Any, name: str) -> bool:
    step = top.steps.get(name) if top.substeps() else None
    return step is not None and step.skip and step.origin("skip").by_user


def _settled(cls: type[Step], header: Any, options: CallOptions) -> tuple[Any, list[Settings]]:
    try:
        return calling.settled(cls, header, options)
    except GpipeError:  # a parameter file is damaged, which is told when it is checked
        return calling.settled(cls, header, replace(options, uses_crds_parameters=False))


def _reference(
    reftype: str, use: _Use, places: Mapping[str, Path], catalog: Mapping[str, Mapping[str, str]]
) -> NeededReference:
    choice = use.choice
    name, is_file = choice.in_crds or choice.name, isinstance(choice.source, Path)
    path = places[name] if choice.in_crds else choice.source if is_file else None
    found = NeededReference(
        reftype,
        name,
        State.OVERRIDE if choice.applies else State.NOT_APPLICABLE,
        path,
        exposures=tuple(use.exposures),
        steps=tuple(use.steps),
        metas=tuple(use.metas.values()),
    )
    return found if path is None else with_file(found, catalog.get(name, {}))


def with_file(reference: NeededReference, known: Mapping[str, str]) -> NeededReference:
    """Look for the file of a reference; one whose size is not that of CRDS is damaged.

    Parameters
    ----------
    known : ``size`` and ``sha1sum`` of CRDS, or nothing.
    """
    path, expected = reference.path, int(known["size"]) if known else None
    if path is None or not path.is_file():
        return replace(reference, state=State.MISSING, bytes=expected)
    size = path.stat().st_size
    if reference.in_crds and expected not in (None, size):
        problem = f"{reference.type} reference {path}: found {size} bytes; expected {expected}"
        return replace(reference, state=State.DAMAGED, bytes=expected, problem=problem)
    state = State.CACHED if reference.in_crds else reference.state
    return replace(reference, state=state, bytes=size, problem=None)
