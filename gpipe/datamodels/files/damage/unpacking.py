"""Compressed FITS files: unpacked once, to disk, and no further than their headers say."""

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from gpipe.datamodels.files.damage.fits_headers import check_headers
from gpipe.exceptions import OutputError
from gpipe.user_files import OpenFile

PIECE = 1 << 20
MOST_OF_ONE = 1032
"""Bytes that one compressed byte can become."""


def is_gzip(packed: BinaryIO) -> bool:
    """Tell whether a file is compressed, by its first bytes."""
    return packed.read(2) == b"\x1f\x8b"


def unpacked(packed: BinaryIO, length: int) -> OpenFile:
    """Copy the content of a compressed FITS file to a temporary one without a name, in ``TMPDIR``.

    Its headers are checked on the way (`check_headers`): a few bytes may unpack to any number of others, but only as
    many are taken as the headers ask for. ``length`` is the number of compressed bytes.

    Raises
    ------
    DamageError, OSError, EOFError, zlib.error
        The file is damaged, or no FITS file.
    OutputError
        There is no room for it.
    """
    with _room(), tempfile.TemporaryFile(prefix="gpipe-") as target:
        target.truncate(_copy(packed, length, target))
        return OpenFile(os.dup(target.fileno()))


def _copy(packed: BinaryIO, length: int, target: BinaryIO) -> int:
    with gzip.GzipFile(fileobj=packed) as stream:

        def read(count: int) -> bytes:
            piece = stream.read(count)
            with _room():
                target.write(piece)
            return piece

        def skip(count: int) -> int:
            if count > MOST_OF_ONE * length:
                return 0
            left = count
            while left and (piece := read(min(left, PIECE))):
                left -= len(piece)
            return count - left

        return check_headers(read, skip)


@contextmanager
def _room() -> Iterator[None]:
    """Tell that there is no room for the content; a damaged file has no error number."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        folder = tempfile.tempdir or "TMPDIR"
        reason = error.strerror or error
        raise OutputError(f"{folder}: a compressed file cannot be unpacked here ({reason}); expected room") from None
