"""Importing other packages at less cost: no code that a calibration never uses, no garbage looked for meanwhile."""

import difflib
import gc
import importlib
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from gpipe.forks import Lock, in_child

PLAIN = "GPIPE_PLAIN_IMPORTS"
"""Set to 1, this variable turns off all that gpipe does to start faster: here, with asdf, and with the C library."""

LIKE_A_NAME = 0.75
"""Likeness from which on a name is taken for a misspelt one."""

_lock = Lock()
_blocks: Counter[str] = Counter()
"""Number of blocks that now defer a module, by its name."""
_put_off: dict[str, ModuleType] = {}
_running: set[str] = set()
_here = threading.local()
"""``without_instances``, of this thread: classes by (module, name)."""


def are_plain() -> bool:
    """Tell whether the user wants imports, asdf and memory as plain Python has them."""
    return os.environ.get(PLAIN) == "1"


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Within the block, find these modules without running their code; modules inside them are imported as usual.

    Some packages import much that a calibration never uses, because their ``__init__`` imports everything. Their code
    runs when the module, or a module inside it, is imported after the block, or when an attribute is read that a module
    imported within the block does not have yet. The module object stays the same and gets its usual content. Modules
    that are already imported are not changed.
    """
    if are_plain():
        yield
        return
    with _lock:
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        _blocks.update(names)
    try:
        yield
    finally:
        with _lock:
            _blocks.subtract(names)
            for name in names:
                if not _blocks[name] and name not in _running and name in _put_off:
                    sys.modules.pop(name, None)


@contextmanager
def without_instances(package: str, *classes: str) -> Iterator[None]:
    """`deferred`, and classes of the package that this thread imports within the block do not run it: they are empty.

    For what imports a package to ask whether something is of these classes, which nothing is before somebody has
    imported it.
    """
    if are_plain():
        yield
        return
    before = getattr(_here, "classes", {})
    _here.classes = {**before, **{(package, name): type(name, (), {}) for name in classes}}
    try:
        with deferred(package):
            yield
    finally:
        _here.classes = before


class _Deferred(ModuleType):
    """A module whose code has not run. Python's own lazy ones run as soon as one looks for a module inside them."""

    def __getattr__(self, name: str) -> Any:
        empty = getattr(_here, "classes", {}).get((self.__name__, name))
        if empty is not None:
            return empty
        if not name.startswith("__") or name == "__all__":
            self._run()
        return ModuleType.__getattribute__(self, name)  # it may be a _Deferred no longer

    def __dir__(self) -> Iterable[str]:
        self._run()
        return ModuleType.__dir__(self)

    def _run(self) -> None:
        with _lock:
            if self.__name__ not in _running:
                _running.add(self.__name__)
                sys.modules.pop(self.__name__, None)
        importlib.import_module(self.__name__)  # or wait for the thread that does so


class _Loader(Loader):
    """Makes a module and puts it off, or runs the one that has been put off."""

    def __init__(self, loader: Loader, *, later: bool) -> None:
        self._loader, self._later = loader, later

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return _put_off.get(spec.name) or self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        module.__loader__ = module.__spec__.loader = self._loader  # type: ignore[union-attr]
        if self._later:
            module.__class__, _put_off[name] = _Deferred, module
            return
        _running.add(name)
        try:
            self._loader.exec_module(module)
            module.__class__ = ModuleType
            _put_off.pop(name, None)
        finally:
            _running.discard(name)


class _Finder(MetaPathFinder):
    """Stands before Python's own for the sake of modules that are put off."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _put_off and not _blocks[name]:
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None and found.loader is not None:
            found.loader = _Loader(found.loader, later=_blocks[name] > 0 and name not in _running)
        return found


_finder = _Finder()
_at_rest: list[int] = []
"""The thread of each block in which the collector is at rest."""


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Do not look for garbage while the block makes what stays: modules, schemas, headers.

    Python's collector looks through all of that again and again while it grows, a tenth of the time it takes. Where
    modules were made all is old at once, which spares two more looks; elsewhere garbage would become old, too.
    """
    if are_plain() or not gc.isenabled():
        yield
        return
    before = len(sys.modules)
    gc.disable()
    _at_rest.append(threading.get_ident())
    try:
        yield
    finally:
        _at_rest.remove(threading.get_ident())
        if len(sys.modules) > before and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # to the oldest generation
        gc.enable()


def _collect_in_child() -> None:
    """End the collector's rest in a forked child if the thread that was to end it does not exist there."""
    others = [thread for thread in _at_rest if thread != threading.get_ident()]
    for thread in others:
        _at_rest.remove(thread)
    if others and not _at_rest:
        gc.enable()


in_child(_collect_in_child)


OF_JWST = frozenset(f"{name}Pipeline" for name in ("Ami3", "Coron3", "Guider", "Image3", "Spec2", "Spec3", "Tso3"))
"""Pipelines that gpipe does not have, however near the name of one that it has."""


def missing_name(module: str, name: str, known: Iterable[str]) -> ImportError | AttributeError:
    """Make the error for a name that a module lacks: the nearest one, or the place where jwst has the step or pipeline.

    It is an ImportError for names of steps and pipelines: of others Python makes one without our text.
    """
    kind = next((kind for kind in ("Step", "Pipeline") if name.endswith(kind)), "")
    stems = {one.removesuffix(kind).lower(): one for one in known}
    near = difflib.get_close_matches(name.removesuffix(kind).lower(), stems, n=1, cutoff=LIKE_A_NAME)
    if near and name not in OF_JWST:
        return ImportError(f"{module} has no {name!r}; did you mean {stems[near[0]]!r}?")
    if kind == "Step" and module == "gpipe":
        return ImportError(f"gpipe has no {name!r}; steps are imported from gpipe.step")
    if kind:
        where = f"from jwst.{kind.lower()} import {name}"
        return ImportError(
            f"gpipe calibrates stage 1, and images in stage 2; other {kind.lower()}s are jwst's: {where}"
        )
    return AttributeError(f"module {module!r} has no attribute {name!r}")
