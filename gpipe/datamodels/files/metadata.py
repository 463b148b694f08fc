"""``stdatamodels`` models with no more work than a run needs of them.

stdatamodels checks each value when it is set. Here values are checked once when they are read, and once when a product
is written; models know the core of ASDF where that is enough (`core_asdf`).
"""

import copy
import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asdf
from asdf.constants import MAX_BITS
from asdf.schema import YAML_VALIDATORS, get_validator
from asdf.util import HashableDict
from astropy.io import fits
from stdatamodels import DataModel, asdf_in_fits
from stdatamodels.schema import walk_schema
from stdatamodels.util import get_envar_as_boolean

from gpipe.datamodels.files.core_asdf import LateAsdfFile, core_of_asdf, suited_to_text
from gpipe.datamodels.files.damage.asdf_layout import END_OF_TREE, check_tree
from gpipe.datamodels.files.schemas import schema_of
from gpipe.datamodels.files.warnings import log
from gpipe.datamodels.files.wcs_tree import copied_tree, is_wcs

_VALIDATORS = HashableDict(YAML_VALIDATORS)
_PROTECTED = {("meta", "date"), ("meta", "model_type")}
_SWITCHES = ("PASS_INVALID_VALUES", "STRICT_VALIDATION")
"""Variables by which users tell stdatamodels what to do with values that its schemas refuse."""


def new_model(model_class: Any, tree: dict[str, Any] | None = None, *, checks: bool = False) -> Any:
    """A model around a tree, which becomes its own.

    Parameters
    ----------
    checks : whether the model checks each value that is set later on, as users expect of one that they are given.
    """
    with core_of_asdf():
        options = {"schema": schema_of(model_class), "validate_on_assignment": None if checks else False}
        model = model_class(LateAsdfFile(tree or {}), **options)
    if tree:
        _allow_new_names(model)
    return model


def copied(model: Any, *, checks: bool = False) -> Any:
    """A model of the same class with a copy of everything in it but the WCS; anything else is copied as it is."""
    if not isinstance(model, DataModel):
        return copy.deepcopy(model)
    return new_model(type(model), copied_tree(dict(model.instance)), checks=checks)


def read_model(model_class: Any, contents: Any) -> Any:
    """Let ``stdatamodels`` make a model of the headers, tables and ASDF extension of a file.

    Values that the schemas refuse are those of the file, until `remove_invalid`.
    """
    if _as_stdatamodels():
        return model_class(contents)
    embedded = contents["ASDF"].data.tobytes() if "ASDF" in contents else b""
    check_tree(embedded.partition(END_OF_TREE)[0])
    with suited_to_text(embedded), asdf.config_context() as config:
        config.validate_on_read = False  # the headers overrule it, and they are checked
        tree = asdf_in_fits.open(contents, ignore_missing_extensions=True).tree
        headers = fits.HDUList([hdu for hdu in contents if hdu.name != "ASDF"])
        model = model_class(headers, schema=schema_of(model_class), validate_on_assignment=False)
        found = _without_missing(model.instance)
        note_invalid(model, found)
        replaced = {"extra_fits", *({"history"} & found.keys())}
        merged = _merged({key: tree[key] for key in tree if key not in replaced}, found)
        model.instance.clear()
        model.instance.update(merged)
        model.on_init(None)  # what every model has
    _allow_new_names(model)
    return model


def _as_stdatamodels() -> bool:
    return any(get_envar_as_boolean(variable) for variable in _SWITCHES)


def _without_missing(node: Any) -> Any:
    """The tree without None, which stands for every keyword that is not in the header."""
    if not isinstance(node, dict):
        return node
    kept = {key: _without_missing(value) for key, value in node.items() if value is not None}
    return {key: value for key, value in kept.items() if not isinstance(value, dict) or value or not node[key]}


def note_invalid(model: Any, tree: Any) -> None:
    """Take note of the values in a tree that the model's schema refuses, for `remove_invalid`."""
    relevant = {"type": "object", "properties": {"meta": model.schema["properties"]["meta"]}}
    errors = get_validator(relevant, None, _VALIDATORS).iter_errors({"meta": tree.get("meta", {})})
    errors = (error for error in errors if not is_wcs(error.instance))  # a tree that has been read knows no tags
    wrong = (error for error in errors if not isinstance(error.instance, dict | None) or error.validator == "type")
    model._refused = [(tuple(error.absolute_path), error.instance, error.message) for error in wrong]


def remove_invalid(model: Any, name: str) -> None:
    """Take values that the schemas refuse for missing, each with a line in the log that names the file.

    Values that somebody has put right since are kept, and so are names that the installed schemas do not know yet.
    """
    unknown = new_names(model)
    for path, value, message in getattr(model, "_refused", ()):
        node, place = _at(model.instance, path[:-1]), ".".join(map(str, path))
        if isinstance(node, dict) and node.get(path[-1]) is value and place not in unknown:
            del node[path[-1]]
            reason = message.partition("\n")[0]
            log.warning("%s: While validating %s the following error occurred: %s", name, place, reason)
    model._refused = []


def new_names(model: Any) -> dict[str, str]:
    """Find texts of a tree where the class's schema lists all that it knows, and not this one; by dotted place."""
    found = ((path, known, _at(model.instance, path)) for path, known in _places(model).names.items())
    return {".".join(path): text for path, known, text in found if isinstance(text, str) and text not in known}


def no_header_value(model: Any) -> dict[str, Any]:
    """Find texts and numbers that go into a FITS header and cannot; by dotted place.

    A header holds printable ASCII and finite numbers only.
    """
    keywords = _places(model).keywords
    found = ((path, value) for path, value in _leaves(model.instance) if not _fits_a_header(value))
    return {".".join(path): value for path, value in found if path in keywords}


def _fits_a_header(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isprintable()
    return not isinstance(value, float) or math.isfinite(value)


def large_integers(node: Any, place: str = "") -> Iterator[str]:
    """Yield the places of integers in a tree that no file of ASDF holds, and so no product."""
    if isinstance(node, int) and node.bit_length() > MAX_BITS:
        yield place
    elif isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from large_integers(value, f"{place}.{key}" if place else str(key))


def _allow_new_names(model: Any) -> None:
    """Let the model's schema have them, too: new modes of the observatory reach users before new schemas do."""
    for place in new_names(model):
        model._schema = _with_any_text(model._schema, place.split("."))


def _with_any_text(schema: Any, path: Sequence[str]) -> Any:
    if not path:
        return {key: value for key, value in schema.items() if key not in ("enum", "anyOf")}
    inner = schema["properties"]
    return {**schema, "properties": {**inner, path[0]: _with_any_text(inner[path[0]], path[1:])}}


def _at(tree: Any, path: Sequence[str]) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _merged(old: Any, new: Any) -> Any:
    """``new``, and what only ``old`` has."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}


def take_over(new: Any, old: Any) -> None:
    """Give a new model what it shares with one of another class, as ``new.update(old)`` does: keywords and logs.

    Values that stdatamodels protects (date, type) stay the new model's own.
    """
    theirs, ours = _places(old), _places(new)
    for path, value in _leaves(old.instance):
        if theirs.keywords.get(path) in ours.hdus and path[:-1] in ours.nodes and path not in _PROTECTED:
            node = functools.reduce(lambda inner, key: inner.setdefault(key, {}), path[:-1], new.instance)
            node[path[-1]] = copy.deepcopy(value)
    if "cal_logs" in old.instance:
        new.instance["cal_logs"] = copy.deepcopy(old.instance["cal_logs"])
    _allow_new_names(new)


@dataclass(frozen=True)
class _Places:
    """Places of a class: keywords (path: HDU), nodes that hold others, HDUs, and texts of which all are listed."""

    keywords: dict[tuple[str, ...], str]
    nodes: set[tuple[str, ...]]
    hdus: set[str]
    names: dict[tuple[str, ...], set[Any]]

    def note(self, schema: Any, path: Any, *_: Any) -> None:
        if "fits_hdu" in schema:
            self.hdus.add(schema["fits_hdu"])
        if "fits_keyword" in schema:
            self.keywords[tuple(path)] = schema.get("fits_hdu", "PRIMARY")
        if "properties" in schema:
            self.nodes.add(tuple(path))
        if names := _listed(schema):
            self.names[tuple(path)] = names


def _listed(schema: Any) -> set[str]:
    """The texts that a value must be one of; none where it may be anything else, too."""
    lists = [part.get("enum", [0]) for part in schema.get("anyOf", [schema])]
    values = {value for listed in lists for value in listed}
    return values if all(isinstance(value, str) for value in values) else set()


_known_places: dict[type, _Places] = {}


def _places(model: Any) -> _Places:
    """Find the places of the model's class, whose schema is walked through once."""
    if type(model) not in _known_places:
        places = _Places({}, {()}, {"PRIMARY"}, {})
        walk_schema(model.schema, places.note)
        _known_places[type(model)] = places
    return _known_places[type(model)]


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        elif value is not None:
            yield (*path, key), value
