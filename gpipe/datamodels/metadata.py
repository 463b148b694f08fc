"""``stdatamodels`` models with no more work than a run needs of them.

A model looks up every installed extension of ASDF when it is made: transforms, coordinates, units, a second of imports.
A product of the detector pipelines holds numbers, texts and tables, for which the core of ASDF is enough. So models are
made, and files read and written, while `core_of_asdf` is in force, except where a tree holds more (a WCS). A model that
leaves gpipe looks for extensions when it needs them: it is like any other.

stdatamodels also checks each value when it is set. Here values are checked once when they are read, and once when a
product is written.
"""

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from importlib.metadata import distribution
from numbers import Number
from typing import Any

import asdf
import numpy as np
from asdf.extension import ExtensionProxy
from asdf.resource import ResourceMappingProxy
from asdf.schema import YAML_VALIDATORS, get_validator
from asdf.util import HashableDict
from astropy.io import fits
from stdatamodels import DataModel, asdf_in_fits
from stdatamodels.util import get_envar_as_boolean

from gpipe.datamodels.complaints import log

_CORE = {
    "asdf.resource_mappings": {"stdatamodels": "jwst_datamodel", "asdf-standard": "asdf_standard", "asdf": "asdf"},
    "asdf.extensions": {"asdf": "asdf"},
}
"""Entry points by group: the distribution, and the name of the one that is needed."""
_OTHER_TAG = re.compile(rb"(?:^|[\s\[{,])!(?!core/|\s)")
_PLAIN = (str, Number, np.generic, datetime, type(None))
_VALIDATORS = HashableDict(YAML_VALIDATORS)
_SWITCHES = ("PASS_INVALID_VALUES", "STRICT_VALIDATION")
"""Variables by which users tell stdatamodels what to do with values that its schemas refuse."""


class LateAsdfFile(asdf.AsdfFile):
    """Has the extensions that are installed when it needs them, not those that were in force when it was made."""

    @property
    def extension_manager(self) -> Any:
        """Where the types come from that can be validated and written."""
        self.version = self.version  # type: ignore[has-type]  # has them looked up again
        return super().extension_manager


@contextmanager
def core_of_asdf() -> Iterator[None]:
    """Within the block, asdf in this thread knows its own types and the schemas of JWST's models only.

    asdf has no public way to leave plug-ins out before they are imported; where these attributes mean nothing (another
    version of asdf), everything is loaded as usual.
    """
    with asdf.config_context() as config:
        config._resource_mappings, config._resource_manager = _core_resources()
        config._extensions = _core_plugins("asdf.extensions", ExtensionProxy)
        yield


@functools.cache
def _core_resources() -> tuple[list[Any], Any]:
    mappings = _core_plugins("asdf.resource_mappings", ResourceMappingProxy)
    return mappings, asdf.resource.ResourceManager(mappings)


@functools.cache
def _core_plugins(group: str, proxy: type) -> list[Any]:
    found = []
    for package, name in _CORE[group].items():
        installed = distribution(package)
        for point in installed.entry_points.select(group=group, name=name):
            said = {"package_name": installed.metadata["Name"], "package_version": installed.version}
            found += [proxy(element, **said) for element in point.load()()]
    return found


def suited_to(tree: Any) -> AbstractContextManager[None]:
    """`core_of_asdf` where it is enough for everything in a tree."""
    return core_of_asdf() if _is_plain(tree) else nullcontext()


def _is_plain(node: Any) -> bool:
    if isinstance(node, asdf.tagged.Tagged):
        return False
    if isinstance(node, Mapping):
        return all(map(_is_plain, node.values()))
    if isinstance(node, list | tuple):
        return all(map(_is_plain, node))
    return isinstance(node, _PLAIN) or type(node) in (np.ndarray, fits.FITS_rec)


def new_model(model_class: Any, tree: dict[str, Any] | None = None, *, checks: bool = False) -> Any:
    """A model around a tree, which becomes its own.

    Parameters
    ----------
    checks : whether the model checks each value that is set later on, as users expect of one that they are given.
    """
    with core_of_asdf():
        return model_class(LateAsdfFile(tree or {}), validate_on_assignment=None if checks else False)


def copied(model: Any) -> Any:
    """A model of the same class with a copy of everything in it; anything else is copied as it is."""
    if not isinstance(model, DataModel):
        return copy.deepcopy(model)
    return new_model(type(model), copy.deepcopy(dict(model.instance)))


def read_model(model_class: Any, contents: fits.HDUList, name: str) -> Any:
    """What ``stdatamodels`` makes of the headers, tables and ASDF extension of a file.

    A value that the schemas refuse is logged with the ``name`` of the file and taken for missing.
    """
    if any(get_envar_as_boolean(variable) for variable in _SWITCHES):
        return model_class(contents)
    embedded = contents["ASDF"].data.tobytes() if "ASDF" in contents else b""
    core = not _OTHER_TAG.search(embedded.partition(b"\n...")[0])
    with core_of_asdf() if core else nullcontext(), asdf.config_context() as config:
        config.validate_on_read = False  # the headers overrule it, and they are checked
        tree = asdf_in_fits.open(contents, ignore_missing_extensions=True).tree
        headers = fits.HDUList([hdu for hdu in contents if hdu.name != "ASDF"])
        model = model_class(headers, validate_on_assignment=False)
        found = _without_missing(model.instance)
        _remove_invalid(found, model.schema, name)
    replaced = {"extra_fits", *({"history"} & found.keys())}
    return new_model(model_class, _merged({key: tree[key] for key in tree if key not in replaced}, found))


def _without_missing(node: Any) -> Any:
    """The tree without None, which stands for every keyword that is not in the header."""
    if not isinstance(node, dict):
        return node
    kept = {key: _without_missing(value) for key, value in node.items() if value is not None}
    return {key: value for key, value in kept.items() if not isinstance(value, dict) or value or not node[key]}


def _remove_invalid(tree: dict[str, Any], schema: Any, name: str) -> None:
    relevant = {"type": "object", "properties": {"meta": schema["properties"]["meta"]}}
    for error in list(get_validator(relevant, None, _VALIDATORS).iter_errors({"meta": tree.get("meta", {})})):
        *parents, last = error.absolute_path
        node = functools.reduce(lambda inner, key: inner[key], parents, tree)
        if isinstance(node, dict) and not isinstance(node.get(last), dict | None):
            del node[last]
            path, reason = ".".join(map(str, error.absolute_path)), error.message.partition("\n")[0]
            log.warning("%s: While validating %s the following error occurred: %s", name, path, reason)


def _merged(old: Any, new: Any) -> Any:
    """``new``, and what only ``old`` has."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
