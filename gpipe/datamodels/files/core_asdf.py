"""asdf without its plug-ins, where they are not needed.

A ``stdatamodels`` model looks up every installed extension of ASDF when it is made: transforms, coordinates, units, a
second of imports. A product of the detector pipelines holds numbers, texts and tables, for which the core of ASDF is
enough. So models are made, and files read and written, while `core_of_asdf` is in force, except where a tree holds more
(a WCS). A model that leaves gpipe looks for extensions when it needs them: it is like any other.
"""

import functools
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from importlib.metadata import distribution
from numbers import Number
from types import SimpleNamespace
from typing import Any

import asdf
import numpy as np
import yaml
from asdf.extension import ExtensionProxy, ManifestExtension
from asdf.resource import ResourceMappingProxy
from astropy.io import fits

from gpipe.datamodels.files.jwst_models import modules_alone
from gpipe.forks import Lock
from gpipe.imports import are_plain, without_instances
from gpipe.yaml_weight import TreeWeight

_CORE = {
    "asdf.resource_mappings": {"stdatamodels": "jwst_datamodel", "asdf-standard": "asdf_standard", "asdf": "asdf"},
    "asdf.extensions": {"asdf": "asdf"},
}
"""Entry points by group: the distribution, and the name of the one that is needed."""
_OTHER_TAG = re.compile(rb"(?:^|[\s\[{,])!(?!core/|\s)")
_manifests = Lock()
_ALIAS = re.compile(rb"(?:^|[\s\[{,])\*[^\s*]")
HEAVIEST = 1 << 24
"""Weight of a tree with its aliases written out, which asdf and the schemas go through."""
_PLAIN = (str, Number, np.generic, datetime, type(None))


class LateAsdfFile(asdf.AsdfFile):  # type: ignore[no-any-unimported]
    """Has the extensions that are installed when it needs them, not those that were in force when it was made."""

    @property
    def extension_manager(self) -> Any:
        """Manager of the types that can be validated and written."""
        self.version = self.version  # type: ignore[has-type]  # has them looked up again
        return super().extension_manager


@contextmanager
def core_of_asdf() -> Iterator[None]:
    """Within the block, asdf in this thread knows its own types and the schemas of JWST's models only.

    asdf has no public way to leave plug-ins out before they are imported; where these attributes mean nothing (another
    version of asdf), everything is loaded as usual. astropy, which would import its tables to see that none is written
    as a FITS table, sees that without.
    """
    if are_plain():
        yield
        return
    with asdf.config_context() as config, without_instances("astropy.table", "Table"):
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
            with modules_alone(), _manifests_by_libyaml():
                elements = point.load()()
            said = {"package_name": installed.metadata["Name"], "package_version": installed.version}
            found += [proxy(element, **said) for element in elements]
    return found


@contextmanager
def _manifests_by_libyaml() -> Iterator[None]:
    """Within the block asdf reads its manifests with libyaml where PyYAML has it, not in Python; a thread at a time."""
    module: Any = sys.modules[ManifestExtension.__module__]
    with _manifests:
        before, loader = module.yaml, getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            module.yaml = SimpleNamespace(safe_load=functools.partial(yaml.load, Loader=loader))
            yield
        finally:
            module.yaml = before


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


def suited_to_text(embedded: bytes) -> AbstractContextManager[None]:
    """`core_of_asdf` where it is enough for all tags in the text of an ASDF file.

    Raises
    ------
    yaml.YAMLError
        Its tree is no YAML, or too heavy: see `TreeWeight`. Trees without aliases weigh no more than their text.
    """
    text = embedded.partition(b"\n...")[0]
    if _ALIAS.search(text):
        weight = TreeWeight(HEAVIEST)
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            weight.add(event)
    return nullcontext() if _OTHER_TAG.search(text) else core_of_asdf()
