"""Products go to disk while the next exposure is worked on, or the next product is made ready."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gpipe.arrays.threads import ThreadPool
from gpipe.exceptions import raise_all, with_notes
from gpipe.forks import Lock

FILES = 2
"""Files that are written at a time: so many are the products of an exposure."""

_writer: ContextVar["_Writer | None"] = ContextVar("writer", default=None)
_problems: ContextVar["Problems | None"] = ContextVar("problems", default=None)


class Problems(list[Exception]):
    """Errors of files that are handed to the background writer."""

    def __init__(self) -> None:
        super().__init__()
        self._files: list[Future[Any]] = []

    def await_file(self, file: Future[Any]) -> None:
        """Take note of a file whose error may come."""
        self._files.append(file)

    @property
    def are_all(self) -> bool:
        """True where all files are written, or have failed."""
        return all(file.done() for file in self._files)


class _Writer:
    def __init__(self, pool: ThreadPool) -> None:
        self._pool, self._waiting, self._lock = pool, deque[Future[Any]](), Lock()

    def take(self, put: Callable[[], Any], problems: Problems) -> None:
        with self._lock:  # members of a group come from several threads
            self.settle(FILES - 1)
            self._waiting.append(self._pool.submit(_put, put, problems))
            problems.await_file(self._waiting[-1])

    def settle(self, left: int = 0) -> None:
        while len(self._waiting) > left:
            self._waiting.popleft().result()


@contextmanager
def background_writing() -> Iterator[bool]:
    """Within the block `write_out` returns at once; at its end all is written. Inside another one it has no effect.

    What goes wrong is raised at the end: the first error, and the others in its notes, or all in the notes of an error
    that ends the block; but for those that a block of `problems_of_writing` gathers. Gives whether it is this block at
    whose end all is written.
    """
    if _writer.get() is not None:
        yield False
        return
    with ThreadPool(FILES, "writing") as pool, problems_of_writing() as problems:
        writer = _Writer(pool)
        token = _writer.set(writer)
        try:
            yield True
        except BaseException as error:
            writer.settle()
            with_notes(error, problems)
            raise
        finally:
            _writer.reset(token)
        writer.settle()
    raise_all(problems)


@contextmanager
def problems_of_writing() -> Iterator[Problems]:
    """Gather the errors of files that are handed to the background writer in the block; they may come after it."""
    problems = Problems()
    token = _problems.set(problems)
    try:
        yield problems
    finally:
        _problems.reset(token)


@contextmanager
def written_at_once() -> Iterator[None]:
    """Within the block files are written before `write_out` returns: what they hold may change afterwards."""
    token = _writer.set(None)
    try:
        yield
    finally:
        _writer.reset(token)


def write_out(put: Callable[[], Any]) -> None:
    """Write the file now, or hand it to the background writer."""
    writer, problems = _writer.get(), _problems.get()
    if writer is None or problems is None:
        put()
    else:
        writer.take(put, problems)


def _put(put: Callable[[], Any], problems: list[Exception]) -> None:
    try:
        put()
    except Exception as error:
        problems.append(error)
