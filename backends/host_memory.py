"""Setting that lets the C library keep freed memory; for glibc, as other libraries have no such setting.

By default glibc returns large blocks to the system at once and requests them again, page by page. For a chunk of an
exposure this takes longer than the calculation.
"""

import ctypes

from gpipe.imports import are_plain

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Numbers of settings in malloc.h."""
LARGEST_KEPT = 1 << 25
"""Bytes: more than an array of a chunk has. Largest value that glibc chooses by itself, after such a block."""
KEPT_BY_THREADS, USUALLY_KEPT = 1 << 26, 1 << 17
"""Bytes; glibc takes 64 MB at a time from the system for a thread."""


def keep_blocks() -> None:
    """Reuse freed memory, from the first block on."""
    _glibc("mallopt", M_MMAP_THRESHOLD, LARGEST_KEPT)
    _glibc("mallopt", M_TRIM_THRESHOLD, KEPT_BY_THREADS)


def keep_workspace() -> None:
    """Let threads keep freed memory for their next chunk, even when all memory is free."""
    _glibc("mallopt", M_TOP_PAD, KEPT_BY_THREADS)


def release_workspace() -> None:
    """Return the memory kept for chunks to the system."""
    _glibc("mallopt", M_TOP_PAD, USUALLY_KEPT)
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    if are_plain():
        return
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)
