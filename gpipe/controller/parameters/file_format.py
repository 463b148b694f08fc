"""Parameter files: ASDF, plain YAML, or the older ``.cfg``. They give values; nothing in them is imported or run.

Of an ASDF file only the YAML tree is looked at. Its header, ``class``, ``name`` and ``parameters`` are optional::

    class: jwst.pipeline.Detector1Pipeline
    parameters: {save_results: true}
    steps:
    - class: jwst.jump.jump_step.JumpStep
      parameters: {rejection_threshold: 12}
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from gpipe.exceptions import OutputError, ParameterError
from gpipe.user_files import RegularFile, expanded
from gpipe.yaml_weight import TreeWeight

_NOT_VALUES = ("class", "name", "parameters", "steps")
_IGNORED = ("asdf_library", "history", "meta")
LONGEST, HEAVIEST = 1 << 18, 1 << 20
"""Bytes of a file, and weight of its tree (`TreeWeight`)."""


@dataclass(frozen=True)
class Entry:
    """Values of one step in a parameter file: the file, or one entry of its ``steps``."""

    class_name: str | None
    name: str | None
    values: Mapping[str, Any]
    steps: tuple["Entry", ...] = ()

    @property
    def class_basename(self) -> str | None:
        """The last part of the class, which is all of it that counts."""
        return self.class_name.rpartition(".")[2] if self.class_name else None


def file_path(value: Any) -> Path:
    """The path that a user or a file gives; ParameterError for what is none."""
    try:
        if b"\0" in os.fsencode(value):
            raise ValueError("no system has such a path")
        return Path(expanded(value))
    except (TypeError, ValueError):
        raise ParameterError.at("parameter file", f"{value!r:.60}", "a path") from None


def read(path: str | os.PathLike[str]) -> Entry:
    """Read a parameter file.

    Raises
    ------
    ParameterError
        One line with the file, and the position in it where there is one.
    """
    path = file_path(path)
    try:
        text = _text(path)
    except FileNotFoundError:
        raise ParameterError(f"parameter file {path}: no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ParameterError(f"parameter file {path}: cannot be read as text ({reason})") from None
    tree = _cfg_tree(text, path) if _looks_like_cfg(text) else _yaml_tree(text, path)
    return _entry(tree, path, "")


def _text(path: Path) -> str:
    """The tree of a file; what follows that of an ASDF file is binary."""
    with RegularFile(path).reader() as file:
        start = file.read(LONGEST + 1)
    text = start.partition(b"\n...")[0]
    if len(text) > LONGEST:
        raise ValueError(f"found more than {LONGEST} bytes, expected fewer")
    return text.decode()


def _looks_like_cfg(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith(("#", "%", "---", ";"))), "")
    return first.startswith("[") or re.match(r"\w+\s*=", first) is not None


class _PlainLoader(yaml.SafeLoader):
    """Takes a node with a tag (``!core/asdf-1.1.0``) for what it is without it; refuses trees that are too heavy."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._weight = TreeWeight(HEAVIEST)

    def get_event(self) -> Any:
        event = super().get_event()  # type: ignore[no-untyped-call]
        self._weight.add(event)
        return event

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            found = node.value if isinstance(node, yaml.ScalarNode) else "a collection"
            problem = f"found {found!r:.60}, which cannot be read as {node.tag.rpartition(':')[2]}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None


def _without_tag(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


_PlainLoader.add_multi_constructor("", _without_tag)


def _yaml_tree(text: str, path: Path) -> Any:
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ParameterError(f"parameter file {path}{where}: not valid YAML ({error.problem})") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"parameter file {path}: not valid YAML ({' '.join(str(error).split())})") from None


def _cfg_tree(text: str, path: Path) -> dict[str, Any]:
    """The tree of a ``.cfg`` file: values, then ``[steps]``, then ``[[jump]]`` and values for each step."""
    tree: dict[str, Any] = {}
    steps: dict[str, dict[str, Any]] | None = None
    section = tree
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        header = re.fullmatch(r"(\[+)([^][]+)\]+", line.partition("#")[0].strip())
        key, equals, value = line.partition("=")
        name = header[2].strip() if header else key.strip()
        if header and len(header[1]) == 1 and name == "steps":
            section = steps = {} if steps is None else steps
        elif header and len(header[1]) == 2 and steps is not None:
            section = steps.setdefault(name, {})
        elif not header and equals and name and section is not steps:
            section[name] = _cfg_value(value)
        else:
            expected = "name = value, [steps] or [[step name]]"
            raise ParameterError.at(f"parameter file {path}, line {number}", f"{line!r:.60}", expected, file=str(path))
    return tree if steps is None else {**tree, "steps": steps}


def _cfg_value(text: str) -> Any:
    """Quoted text as it is; otherwise without comment, commas make a list, and the word None is None."""
    quoted = re.fullmatch(r"""\s*(?:'([^']*)'|"([^"]*)")\s*(?:#.*)?""", text)
    if quoted:
        return quoted[1] if quoted[1] is not None else quoted[2]
    text = text.partition("#")[0].strip()
    if "," in text:
        return [_cfg_value(part) for part in text.split(",") if part.strip()]
    return None if text == "None" else text


def _entry(tree: Any, path: Path, where: str) -> Entry:
    """Read the values of a step from a mapping. They are in ``parameters`` or, in older files, beside it."""
    outer = _mapping(tree, path, where or "the file")
    nested = _mapping(outer.get("parameters"), path, f"{where}parameters")
    both = {**nested, **{key: value for key, value in outer.items() if key != "parameters" and key not in _IGNORED}}
    for key in ("class", "name"):
        if not isinstance(both.get(key), str | None):
            raise ParameterError.at(
                f"parameter file {path}: {where}{key}", f"{both[key]!r:.60}", "text", file=str(path)
            )
    values = {key: value for key, value in both.items() if key not in _NOT_VALUES}
    return Entry(both.get("class"), both.get("name"), values, tuple(_steps(both.get("steps"), path, where)))


def _steps(listed: Any, path: Path, where: str) -> list[Entry]:
    """The entries of ``steps``: a list of them, or, in older files, a mapping from the step's name."""
    if isinstance(listed, Mapping):
        listed = [{**_mapping(entry, path, f"{where}steps.{name}"), "name": name} for name, entry in listed.items()]
    if not isinstance(listed, list | None):
        raise ParameterError.at(
            f"parameter file {path}: {where}steps", f"{listed!r:.60}", "a list of steps", file=str(path)
        )
    return [_entry(entry, path, f"{where}steps[{i}].") for i, entry in enumerate(listed or [])]


def _mapping(tree: Any, path: Path, what: str) -> Mapping[str, Any]:
    if not isinstance(tree, Mapping | None):
        found = repr(tree)[:60]
        raise ParameterError.at(
            f"parameter file {path}: {what.rstrip('.')}", found, "names with values", file=str(path)
        )
    return {str(key): value for key, value in (tree or {}).items()}


def write(path: str | os.PathLike[str], entry: Entry, *, include_metadata: bool = False) -> None:
    """Write a parameter file (ASDF) that `read` can read, and the ``config_file`` of ``jwst``, too.

    Parameters
    ----------
    include_metadata : add the template of ``meta`` that a delivery to CRDS needs.
    """
    import asdf  # slow to import

    tree = _tree(entry)
    if include_metadata:
        tree["meta"] = _metadata_template(str(entry.class_name))
    try:
        asdf.AsdfFile(tree).write_to(expanded(path))
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error})") from error


def _tree(entry: Entry) -> dict[str, Any]:
    tree: dict[str, Any] = {"class": entry.class_name, "name": entry.name, "parameters": dict(entry.values)}
    return {**tree, "steps": [_tree(step) for step in entry.steps]} if entry.steps else tree


def _metadata_template(class_name: str) -> dict[str, Any]:
    unknown = ("author", "origin", "pedigree", "reftype", "telescope", "useafter")
    return {
        **dict.fromkeys(unknown, "<SPECIFY>"),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "description": f"Parameters for calibration step {class_name}",
        "instrument": {"name": "<SPECIFY>"},
    }
