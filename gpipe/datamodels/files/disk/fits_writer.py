"""A model as a FITS file: ``stdatamodels`` makes the headers and the ASDF extension, pixels are streamed.

The bytes are those that ``model.save`` writes. astropy turns whole arrays into big-endian ones; here only a block at a
time is, on its way into the file.
"""

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from stdatamodels import fits_support

from gpipe.datamodels.files.warnings import one_thread_at_a_time

BLOCK_BYTES = 1 << 20
_RECORD = 2880
_OTHERS = re.compile(r"[^ -~]")


@dataclass
class FitsPieces:
    """A file that is ready to be written: headers and tables as bytes, images as they are, in order.

    Making it asks ``stdatamodels`` and ``astropy``; writing it needs neither, so that it can be done on a thread.
    """

    pieces: list[bytes | np.ndarray]

    @classmethod
    def of(cls, model: Any, path: str | os.PathLike[str]) -> "FitsPieces":
        """Of a ``stdatamodels`` model; its name, date and type become those that ``save`` sets."""
        model.on_save(os.fspath(path))
        meta = model.instance.get("meta")
        texts = printable(meta)
        tree = model.instance if texts is meta else {**model.instance, "meta": texts}
        return cls(list(_pieces(fits_support.to_fits(tree, model.schema))))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a new file. Arrays are let go one by one."""
        with open(path, "wb") as file:
            for piece in _emptied(self.pieces):
                if isinstance(piece, bytes):
                    file.write(piece)
                else:
                    _write_pixels(file, piece)


def printable(node: Any) -> Any:
    """A tree with texts as headers can hold them, names of files mostly: other characters are escaped, as in Python."""
    if isinstance(node, str):
        return node if node.isascii() and node.isprintable() else _OTHERS.sub(_escaped, node)
    if isinstance(node, dict):
        new = {key: printable(value) for key, value in node.items()}
        return node if all(new[key] is node[key] for key in new) else new
    if isinstance(node, list):
        items = [printable(value) for value in node]
        return node if all(item is value for item, value in zip(items, node, strict=True)) else items
    return node


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _emptied(pieces: list[Any]) -> Iterator[Any]:
    while pieces:
        yield pieces.pop(0)


def _pieces(hdus: Any) -> Iterator[bytes | np.ndarray]:
    with one_thread_at_a_time("Card is too long"):
        hdus.verify("exception")
        hdus.update_extend()
        for hdu in hdus:
            if not hdu.is_image:
                yield _bytes_of(hdu)
                continue
            yield hdu.header.tostring().encode("ascii")
            if hdu.data is not None:
                yield hdu.data
            # astropy's objects refer to each other, and would keep the pixels until the garbage collector comes by.
            del hdu.data


def _write_pixels(file: BinaryIO, pixels: np.ndarray) -> None:
    """On one thread: a file system lets one at a time write to a file, and others wait for it at work."""
    flat = pixels.reshape(-1)
    buffer = np.empty(BLOCK_BYTES // flat.itemsize, dtype=flat.dtype.newbyteorder(">"))
    for start in range(0, flat.size, buffer.size):
        piece = flat[start : start + buffer.size]
        block = buffer[: piece.size]
        if flat.dtype.kind == "u" and flat.itemsize > 1:
            # FITS has signed integers only: the shift by half the range is a flip of the highest bit.
            np.bitwise_xor(piece, flat.dtype.type(1 << (8 * flat.itemsize - 1)), out=block)
        else:
            block[...] = piece
        file.write(block.view(np.uint8).data)
    file.write(b"\0" * (-flat.nbytes % _RECORD))


def _bytes_of(table: Any) -> bytes:
    """A table extension, which is small."""
    buffer = io.BytesIO()
    alone = fits.HDUList([fits.PrimaryHDU(), table])
    alone.writeto(buffer)
    return buffer.getvalue()[len(alone[0].header.tostring()) :]
