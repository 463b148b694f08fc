"""Threads that work in the context of whoever gives them work."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import count
from typing import Any

_numbers = count()


class ThreadPool(ThreadPoolExecutor):
    """Threads for which context variables have the values that they have where the work comes from.

    So a line of the log, or a warning, belongs to the run that it is about.
    """

    def __init__(self, workers: int, name: str = "work") -> None:
        self._name = f"{name}-{next(_numbers)}"
        super().__init__(workers, self._name)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have the function called on a thread."""
        return super().submit(copy_context().run, function, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads. An interrupt meanwhile is passed on when they have ended, so that none works on."""
        try:
            super().shutdown(wait, cancel_futures=cancel_futures)
        except BaseException:
            super().shutdown(wait, cancel_futures=True)
            raise
        finally:
            if wait:
                self._wait_for_unknown()

    def _wait_for_unknown(self) -> None:
        """Wait for a thread whose start was interrupted: it works, but the base class does not know it."""
        while unknown := [thread for thread in threading.enumerate() if thread.name.startswith(f"{self._name}_")]:
            try:
                unknown[0].join()
            except RuntimeError:  # it has not begun yet
                time.sleep(0.001)
