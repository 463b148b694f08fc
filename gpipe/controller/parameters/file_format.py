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
from gpipe.user_files import expanded

_NOT_VALUES = ("class", "name", "parameters", "steps")
_IGNORED = ("asdf_library", "history", "meta")


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


def read(path: str | os.PathLike[str]) -> Entry:
    """Read a parameter file.

    Raises
    ------
    ParameterError
        One line with the file, and the position in it where there is one.
    """
    path = Path(expanded(path))
    try:
        text = path.read_bytes().split(b"\n...", 1)[0].decode()  # what follows the tree of an ASDF file is binary
    except FileNotFoundError:
        raise ParameterError(f"parameter file {path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"parameter file {path}: cannot be read as text ({error})") from None
    tree = _cfg_tree(text, path) if _looks_like_cfg(text) else _yaml_tree(text, path)
    return _entry(tree, path, "")


def _looks_like_cfg(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith(("#", "%", "---", ";"))), "")
    return first.startswith("[") or re.match(r"\w+\s*=", first) is not None


class _PlainLoader(yaml.SafeLoader):
    """Takes a node with a tag (``!core/asdf-1.1.0``) for what it is without it."""


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
    section = tree
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        header = re.fullmatch(r"(\[+)\s*([^][]+?)\s*\]+", line.partition("#")[0].strip())
        key, equals, value = line.partition("=")
        if header and len(header[1]) == 1 and header[2] == "steps":
            section = tree.setdefault("steps", {})
        elif header and len(header[1]) == 2 and "steps" in tree:
            section = tree["steps"].setdefault(header[2], {})
        elif not header and equals and key.strip():
            section[key.strip()] = _cfg_value(value)
        else:
            expected = "name = value, [steps] or [[step name]]"
            raise ParameterError(f"parameter file {path}, line {number}: found {line!r}, expected {expected}")
    return tree


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
            raise ParameterError(f"parameter file {path}: {where}{key}: found {both[key]!r}, expected text")
    values = {key: value for key, value in both.items() if key not in _NOT_VALUES}
    return Entry(both.get("class"), both.get("name"), values, tuple(_steps(both.get("steps"), path, where)))


def _steps(listed: Any, path: Path, where: str) -> list[Entry]:
    """The entries of ``steps``: a list of them, or, in older files, a mapping from the step's name."""
    if isinstance(listed, Mapping):
        listed = [{**_mapping(entry, path, f"{where}steps.{name}"), "name": name} for name, entry in listed.items()]
    if not isinstance(listed, list | None):
        raise ParameterError(f"parameter file {path}: {where}steps: found {listed!r}, expected a list of steps")
    return [_entry(entry, path, f"{where}steps[{i}].") for i, entry in enumerate(listed or [])]


def _mapping(tree: Any, path: Path, what: str) -> Mapping[str, Any]:
    if not isinstance(tree, Mapping | None):
        found = repr(tree)[:60]
        raise ParameterError(f"parameter file {path}: {what.rstrip('.')}: found {found}, expected names with values")
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
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


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
