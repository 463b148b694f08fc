"""What the C library keeps of freed memory; of glibc, as others cannot be told.

By itself glibc hands large blocks back to the system at once, page by page, and asks for them anew: for a chunk of an
exposure that takes longer than what is calculated.
"""

import ctypes

from gpipe.imports import are_plain

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Numbers of settings in malloc.h."""
LARGEST_KEPT = 1 << 25
"""Bytes: more than an array of a chunk has. The most that glibc would come to by itself, after such a block."""
KEPT_BY_THREADS, USUALLY_KEPT = 1 << 26, 1 << 17
"""Bytes; glibc takes 64 MB at a time from the system for a thread."""


def keep_blocks() -> None:
    """Have what was freed used again, from the first block on."""
    _glibc("mallopt", M_MMAP_THRESHOLD, LARGEST_KEPT)
    _glibc("mallopt", M_TRIM_THRESHOLD, KEPT_BY_THREADS)


def keep_workspace() -> None:
    """Have threads keep what they free for their next chunk, even when all of it is free."""
    _glibc("mallopt", M_TOP_PAD, KEPT_BY_THREADS)


def release_workspace() -> None:
    """Give the system back what is kept of memory that chunks were worked on in."""
    _glibc("mallopt", M_TOP_PAD, USUALLY_KEPT)
    _glibc("malloc_trim", 0)


def _glibc(name: str, *arguments: int) -> None:
    if are_plain():
        return
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)
