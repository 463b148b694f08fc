"""SIGTERM: a run cleans up, and then the process ends by the signal, as it would without gpipe."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """Unwinds a run; it never leaves it."""


@contextmanager
def ends_cleanly() -> Iterator[None]:
    """Within the block SIGTERM, which by default kills, unwinds like an interrupt first.

    A handler of the user's, SIGTERM that is ignored, and threads other than the main one are left alone.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    state = _State()
    try:
        signal.signal(signal.SIGTERM, state.receive)
        try:
            yield
        finally:
            state.unwinds = False
    finally:
        if signal.getsignal(signal.SIGTERM) == state.receive:  # else somebody has chosen another one meanwhile
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if state.received:
            os.kill(os.getpid(), signal.SIGTERM)


class _State:
    """State of a block: whether the signal came, and whether it unwinds what is at work."""

    def __init__(self) -> None:
        self.received, self.unwinds = False, True

    def receive(self, number: int, frame: FrameType | None) -> None:
        self.received = True
        if self.unwinds:
            self.unwinds = False  # once: a second signal does not disturb the cleaning up
            raise Terminated
