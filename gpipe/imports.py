"""Importing other packages at less cost: no code that a calibration never uses, no garbage looked for meanwhile."""

import gc
import sys
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

_lock = threading.RLock()
_running: set[str] = set()


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Within the block these modules are found, but their code does not run yet; modules inside them are as usual.

    Some packages import much that a calibration never uses, because their ``__init__`` gathers all there is. Once such
    a module is asked for anything that it does not have yet it becomes what it would have been, for gpipe and for
    everybody else. Those that are imported already are left as they are.
    """
    finder = _Finder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Do not look for garbage while the block makes what stays: modules, schemas, headers.

    Python's collector looks through all of that again and again while it grows, a tenth of the time it takes. What has
    been made then counts as old, so that only a full collection comes back to it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        if not gc.get_freeze_count():  # which somebody else may have done, and counts on
            gc.freeze()
            gc.unfreeze()


class _Deferred(ModuleType):
    """Python's own lazy modules run as soon as one looks for a module inside them; these do not."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") or name == "__all__":
            self._run()
        return ModuleType.__getattribute__(self, name)  # it is no longer a _Deferred

    def __dir__(self) -> Iterable[str]:
        self._run()
        return ModuleType.__dir__(self)

    def _run(self) -> None:
        with _lock:
            if type(self) is not _Deferred or self.__name__ in _running:
                return
            _running.add(self.__name__)
            try:
                self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]  # it has been found
                self.__class__ = ModuleType  # type: ignore[assignment]
            finally:
                _running.remove(self.__name__)


class _Loader(LazyLoader):
    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = module.__spec__.loader = self.loader  # type: ignore[attr-defined,union-attr]
        module.__class__ = _Deferred


class _Finder:
    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(name, path, target) if name in self._names else None
        if found is not None and found.loader is not None:
            found.loader = _Loader(found.loader)
        return found
