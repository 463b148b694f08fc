"""Threads that work in the context of whoever gives them work."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any


class ThreadPool(ThreadPoolExecutor):
    """Threads for which context variables have the values that they have where the work comes from.

    So a line of the log, or a warning, belongs to the run that it is about.
    """

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
