"""Products go to disk while the next exposure is worked on, or the next product is made ready."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gpipe.arrays.threads import ThreadPool
from gpipe.forks import Lock

FILES = 2
"""Files that are written at a time: so many are the products of an exposure."""

_writer: ContextVar["_Writer | None"] = ContextVar("writer", default=None)


class _Writer:
    def __init__(self, pool: ThreadPool) -> None:
        self._pool, self._waiting, self._lock = pool, deque[Future[Any]](), Lock()

    def take(self, put: Callable[[], Any]) -> None:
        with self._lock:  # members of a group come from several threads
            self.settle(FILES - 1)
            self._waiting.append(self._pool.submit(put))

    def settle(self, left: int = 0) -> None:
        while len(self._waiting) > left:
            self._waiting.popleft().result()


@contextmanager
def background_writing() -> Iterator[bool]:
    """Within the block `write_out` returns at once; at its end all is written. Inside another one it has no effect.

    What goes wrong is raised by the next `write_out` that has to wait, or at the end. Gives whether it is this block at
    whose end all is written.
    """
    if _writer.get() is not None:
        yield False
        return
    with ThreadPool(FILES, "writing") as pool:
        writer = _Writer(pool)
        token = _writer.set(writer)
        try:
            yield True
            writer.settle()
        finally:
            _writer.reset(token)


def write_out(put: Callable[[], Any]) -> None:
    """Write the file now, or hand it to the background writer."""
    writer = _writer.get()
    if writer is None:
        put()
    else:
        writer.take(put)
