"""Parameter files of a user or of CRDS: the layers of settings that they give, and steps from them."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

from gpipe.controller.parameters import file_format
from gpipe.controller.parameters import types as p
from gpipe.controller.parameters.file_format import Entry
from gpipe.controller.parameters.origins import Kind, Origin, Settings

HOOKS = ("pre_hooks", "post_hooks")
Note = Callable[[str], object]


class Declared(Protocol):
    """A step, as far as parameter files know it: see `configurable.Configurable`."""

    alias: ClassVar[str]
    step_synonyms: ClassVar[Mapping[str, str]]

    def __init__(self, name: str | None = None) -> None: ...
    @classmethod
    def substeps(cls) -> Mapping[str, "type[Declared]"]: ...
    @classmethod
    def known_as(cls) -> set[str]: ...
    def configure(self, layers: Sequence[Settings]) -> Self: ...
    def as_entry(self) -> Entry: ...


D = TypeVar("D", bound=Declared)


def from_config_file(cls: type[D], path: str | os.PathLike[str], name: str | None = None) -> D:
    """See ``Configurable.from_config_file``."""
    wanted = file_format.read(path).class_basename
    known = [cls, *_descendants(cls)]
    found = next((c for c in known if wanted in (c.__name__, c.alias)), cls)
    return found(name).configure(layers_from_file(found, path))


def _descendants(cls: type[D]) -> list[type[D]]:
    return [found for child in cls.__subclasses__() for found in (child, *_descendants(child))]


def export_config(step: Declared, path: str | os.PathLike[str], *, include_metadata: bool = False) -> None:
    """See ``Configurable.export_config``."""
    file_format.write(path, step.as_entry(), include_metadata=include_metadata)


def layers_from_file(cls: type[Declared], path: str | os.PathLike[str]) -> list[Settings]:
    """The layers of a user's parameter file, those of the files that it names for its steps first."""
    problems: list[str] = []
    layers = file_layers(cls, file_format.file_path(path), Kind.CONFIG, problems.append)
    p.raise_together(problems)
    return layers


def in_step(name: str | None, layers: Sequence[Settings]) -> list[Settings]:
    """Layers of a substep as layers of its pipeline."""
    return list(layers) if name is None else [Settings(layer.origin, {}, {name: layer}) for layer in layers]


def step_file_layers(cls: type[Declared], name: str, path: Path, note: Note) -> list[Settings]:
    """The layers of a parameter file that is named for one step of a pipeline."""
    name = cls.step_synonyms.get(name, name)
    if name not in cls.substeps():
        return []  # told with the other unknown names
    return in_step(name, file_layers(cls.substeps()[name], path, Kind.STEP_FILE, note))


def file_layers(cls: type[Declared], path: Path, kind: Kind, note: Note) -> list[Settings]:
    entry, origin = file_format.read(path), Origin(kind, path)
    _check_class(cls, entry, f"parameter file {path}", note)
    layers: list[Settings] = []
    steps: dict[str, Settings] = {}
    for inner in entry.steps:
        name = _name_of(cls, inner, path, note)
        if name is None:
            continue
        values = dict(inner.values)
        own_file = values.pop("config_file", None)
        if own_file is not None:
            layers += step_file_layers(cls, name, path.parent / file_format.file_path(own_file), note)
        steps[name] = Settings(origin, _without_hooks(values, f"{path}: {name}", note))
    return [*layers, Settings(origin, _without_hooks(entry.values, str(path), note), steps)]


def _name_of(cls: type[Declared], entry: Entry, path: Path, note: Note) -> str | None:
    """Find the substep of an entry: by its name, or by the last part of its class."""
    substeps = cls.substeps()
    where = f"parameter file {path}"
    if entry.name is not None:
        name = cls.step_synonyms.get(entry.name, entry.name)
        if name in substeps:
            _check_class(substeps[name], entry, f"{where}: {name}", note)
        return name
    if entry.class_basename is None:
        note(f"{where}: found an entry of steps with neither name nor class")
        return None
    names = [name for name, step in substeps.items() if entry.class_basename in step.known_as()]
    if len(names) != 1:
        known = ", ".join(sorted(step.__name__ for step in substeps.values())) or "none"
        note(f"{where}: found class {entry.class_name!r:.60}, expected one step of {cls.__name__} ({known})")
        return None
    return names[0]


def _check_class(cls: type[Declared], entry: Entry, what: str, note: Note) -> None:
    """Note a class that is not ``cls``. Only its last part counts: nothing that a file names is ever imported."""
    if entry.class_basename is not None and entry.class_basename not in cls.known_as():
        note(f"{what}: found class {entry.class_name!r:.60}, expected gpipe's {cls.__name__}")


def _without_hooks(values: Mapping[str, Any], what: str, note: Note) -> dict[str, Any]:
    """The values without hooks: those of a file would import or run what the file names."""
    for hook in HOOKS:
        if values.get(hook):
            note(f"parameter file {what}: {hook} can be given in Python only, found {values[hook]!r:.60}")
    return {key: value for key, value in values.items() if key not in HOOKS}
