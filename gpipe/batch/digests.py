"""Digests of files and of gpipe itself: what tells one content from another."""

import hashlib
import os
from functools import cache
from pathlib import Path

import gpipe
from gpipe.exceptions import InputError
from gpipe.user_files import RegularFile

SIZE = 20
"""Bytes of a digest: 40 characters, so that a card of FITS has room for a comment."""
AT_ONCE = 1 << 20
_SOURCES = {".py", ".c", ".h", ".cu", ".cuh", ".json", ".yaml"}
_known: dict[tuple[str, int, int, int], str] = {}


def of_bytes(content: bytes) -> str:
    """Digest bytes."""
    return hashlib.blake2b(content, digest_size=SIZE).hexdigest()


def of_file(path: str | os.PathLike[str]) -> str:
    """Digest the content of a file. One that has not changed since is not read again.

    InputError: it cannot be read, or changes meanwhile.
    """
    try:
        file = RegularFile(path)
        found = os.fstat(file.descriptor)
        key = os.path.realpath(path), found.st_size, found.st_mtime_ns, found.st_ino
        if key not in _known:
            _known[key] = _read(file)
    except OSError as error:
        raise InputError(f"{os.fspath(path)}: cannot be read ({error.strerror or error})") from None
    if file.was_written_to():
        del _known[key]
        raise InputError(f"{os.fspath(path)}: was written to while it was read; expected the same file")
    return _known[key]


def _read(file: RegularFile) -> str:
    digest, block = hashlib.blake2b(digest_size=SIZE), bytearray(AT_ONCE)
    with file.reader() as reader:
        while count := reader.readinto(block):
            digest.update(memoryview(block)[:count])
    return digest.hexdigest()


@cache
def software() -> str:
    """Name the version of gpipe; that of a development copy has a digest of its sources."""
    package = Path(gpipe.__file__).parent
    if not (package.parent / "pyproject.toml").is_file():
        return gpipe.__version__
    return f"{gpipe.__version__} {_of_sources(package)}"


def _of_sources(package: Path) -> str:
    digest = hashlib.blake2b(digest_size=SIZE)
    for folder, inner, names in os.walk(package, followlinks=True):
        inner.sort()
        for path in (Path(folder, name) for name in sorted(names) if os.path.splitext(name)[1] in _SOURCES):
            digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
