"""Which value of a parameter counts: layers of settings, lowest rank first.

1. the declaration of the step
2. CRDS: the ``pars-<class>`` file of each step, then that of the pipeline
3. ``config_file``: the files that its steps name as their own ``config_file``, then what the file itself says
4. ``steps={name: {'config_file': ...}}``
5. keywords, and the other keys of ``steps``

A layer that does not mention a parameter leaves the value of the layer below it.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpipe.controller import parameter_files
from gpipe.controller import parameters as p
from gpipe.controller.parameter_files import Entry
from gpipe.controller.settings import KEYWORD, Kind, Origin, Settings
from gpipe.exceptions import ParameterError

if TYPE_CHECKING:
    from gpipe.controller.configurable import Configurable

log = logging.getLogger(__name__)

DISABLING_WORDS = (*p.TRUE_WORDS, "t", "y")
HOOKS = ("pre_hooks", "post_hooks")
Note = Callable[[str], object]


def crds_parameters_disabled() -> bool:
    """Whether ``STPIPE_DISABLE_CRDS_STEPPARS`` is set to true, in any of its spellings."""
    return os.environ.get("STPIPE_DISABLE_CRDS_STEPPARS", "").strip().lower() in DISABLING_WORDS


def parameter_file_type(cls: "type[Configurable]") -> str:
    """The reference type of a step's parameter files in CRDS."""
    return f"pars-{cls.__name__.lower()}"


def layers_from_crds(
    cls: "type[Configurable]", names: Sequence[str], find: Callable[[str], Path | None]
) -> list[Settings]:
    """The layers of CRDS parameter files. What gpipe does not know in them is warned about and left out.

    Parameters
    ----------
    cls : the step or pipeline that is called.
    names : of its substeps, those that the exposure needs.
    find : from the type of a parameter file (``pars-jumpstep``) to the file, or None.
    """
    substeps = cls.substeps()
    layers = []
    for name, wanted in [*((name, substeps[name]) for name in names), (None, cls)]:
        path = find(parameter_file_type(wanted))
        if path is not None:
            log.info("Parameters of %s from CRDS file %s", wanted.__name__, path.name)
            layers += _in_step(name, _file_layers(wanted, path, Kind.CRDS, _warn))
    return layers


def layers_from_file(cls: "type[Configurable]", path: str | os.PathLike[str]) -> list[Settings]:
    """The layers of a user's parameter file, those of the files that it names for its steps first."""
    problems: list[str] = []
    layers = _file_layers(cls, Path(path).expanduser(), Kind.CONFIG, problems.append)
    p.raise_together(problems)
    return layers


def layers_from_keywords(
    cls: "type[Configurable]", parameters: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]] | None
) -> list[Settings]:
    """The layers of keywords: files that ``steps`` names, then the values."""
    if not isinstance(steps, Mapping | None):
        raise ParameterError(f"steps: found {steps!r}, expected a mapping from the name of a step to its parameters")
    problems: list[str] = []
    files: list[Settings] = []
    values = {}
    for name, given in (steps or {}).items():
        if not isinstance(given, Mapping):
            problems.append(f"steps[{name!r}]: found {given!r}, expected a mapping from parameters to values")
            continue
        values[name] = Settings(KEYWORD, {key: value for key, value in given.items() if key != "config_file"})
        if given.get("config_file") is not None:
            files += _step_file_layers(cls, name, Path(given["config_file"]), problems.append)
    p.raise_together(problems)
    return [*files, Settings(KEYWORD, parameters, values)]


def _warn(problem: str) -> None:
    log.warning("%s; it is not used", problem)


def _in_step(name: str | None, layers: Sequence[Settings]) -> list[Settings]:
    """Layers of a substep as layers of its pipeline."""
    return list(layers) if name is None else [Settings(layer.origin, {}, {name: layer}) for layer in layers]


def _step_file_layers(cls: "type[Configurable]", name: str, path: Path, note: Note) -> list[Settings]:
    """The layers of a parameter file that is named for one step of a pipeline."""
    name = cls.step_synonyms.get(name, name)
    if name not in cls.substeps():
        return []  # told with the other unknown names
    return _in_step(name, _file_layers(cls.substeps()[name], path.expanduser(), Kind.STEP_FILE, note))


def _file_layers(cls: "type[Configurable]", path: Path, kind: Kind, note: Note) -> list[Settings]:
    entry, origin = parameter_files.read(path), Origin(kind, path)
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
            layers += _step_file_layers(cls, name, path.parent / Path(own_file).expanduser(), note)
        steps[name] = Settings(origin, _without_hooks(values, f"{path}: {name}", note))
    return [*layers, Settings(origin, _without_hooks(entry.values, str(path), note), steps)]


def _name_of(cls: "type[Configurable]", entry: Entry, path: Path, note: Note) -> str | None:
    """Which substep an entry is for: by its name, or by the last part of its class."""
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
        note(f"{where}: found class {entry.class_name!r}, expected one step of {cls.__name__} ({known})")
        return None
    return names[0]


def _check_class(cls: "type[Configurable]", entry: Entry, what: str, note: Note) -> None:
    """Note a class that is not ``cls``. Only its last part counts: nothing that a file names is ever imported."""
    if entry.class_basename is not None and entry.class_basename not in cls.known_as():
        note(f"{what}: found class {entry.class_name!r}, expected gpipe's {cls.__name__}")


def _without_hooks(values: Mapping[str, Any], what: str, note: Note) -> dict[str, Any]:
    """The values without hooks: those of a file would import or run what the file names."""
    for hook in HOOKS:
        if values.get(hook):
            note(f"parameter file {what}: {hook} can be given in Python only, found {values[hook]!r}")
    return {key: value for key, value in values.items() if key not in HOOKS}
