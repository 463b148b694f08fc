"""State that a forked child must not inherit: ``os.fork`` copies one thread only, and what the others were doing stays.

A lock that another thread holds at that moment would be closed in the child for ever. What else a thread takes back at
its end (levels of loggers, the rest of the garbage collector) is taken back in the child at once.
"""

import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property:  # noqa: N801 - as in functools
        """`functools.cached_property` as it is from Python 3.12 on: without a lock.

        Before, all objects of a class share one, so that threads wait for each other, and a forked child for ever.
        """

        def __init__(self, function: Callable[[Any], Any]) -> None:
            self._function, self.__doc__ = function, function.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            return instance.__dict__.setdefault(self._name, self._function(instance))


__all__ = ["Lock", "cached_property", "in_child"]


class Lock:
    """A reentrant lock that is free in a forked child, unless the thread that forks holds it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _locks.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: Any) -> None:
        self._lock.release()

    def open_in_child(self) -> None:
        """Forget the thread that held the lock: it does not exist here."""
        if not self._lock._is_owned():  # type: ignore[attr-defined]  # as `threading.Condition` asks
            self._lock = threading.RLock()


_locks: "weakref.WeakSet[Lock]" = weakref.WeakSet()


def in_child(function: Callable[[], Any]) -> None:
    """Have a function called in each child that is forked from now on; nothing where the system cannot fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def _open_all() -> None:
    for lock in list(_locks):
        lock.open_in_child()


in_child(_open_all)
