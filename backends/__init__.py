"""Array backends: where the arrays of an exposure live. The only package that knows CuPy."""

from gpipe.backends.interface import Backend
from gpipe.backends.registry import get

__all__ = ["Backend", "get"]
