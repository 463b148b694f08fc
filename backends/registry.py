"""Choice of the backend: argument, then ``GPIPE_BACKEND``, then a GPU if one answers, else NumPy."""

import functools
import logging
import os

from gpipe.backends.interface import Backend
from gpipe.exceptions import BackendError

log = logging.getLogger(__name__)

NAMES = ("auto", "numpy", "cupy")


def get(name: str | Backend | None = None) -> Backend:
    """Return a backend.

    Parameters
    ----------
    name : ``"numpy"``, ``"cupy"``, ``"auto"``, a backend (returned as it is), or None, which reads the environment
        variable ``GPIPE_BACKEND`` and is ``"auto"`` without one.

    Raises
    ------
    BackendError
        The name is unknown, or ``"cupy"`` was asked for and no GPU answers.
    """
    if name is not None and not isinstance(name, str):
        return name
    source = "backend=" if name else "GPIPE_BACKEND="
    chosen = (name or os.environ.get("GPIPE_BACKEND") or "auto").strip().lower()
    if chosen not in NAMES:
        raise BackendError(f"{source}{chosen!r} is not a backend of gpipe; expected one of {', '.join(NAMES)}")
    return _auto() if chosen == "auto" else _make(chosen)


@functools.cache
def _auto() -> Backend:
    try:
        backend = _make("cupy")
    except BackendError as error:
        log.info("Backend numpy (%s)", error)
        return _make("numpy")
    log.info("Backend cupy")
    return backend


@functools.cache
def _make(name: str) -> Backend:
    # Imported here so that a NumPy-only process never loads CuPy.
    if name == "cupy":
        from gpipe.backends.cupy import CupyBackend

        return CupyBackend()
    from gpipe.backends.numpy import NumpyBackend

    return NumpyBackend()
