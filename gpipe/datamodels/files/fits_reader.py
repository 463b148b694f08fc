"""Arrays of a FITS file: the layout is read once from the headers, pixels only where they are asked for.

Pixels go from the file into native memory block by block, through a small buffer of each thread, so the stored form
(big-endian, unsigned integers shifted by BZERO) never exists as a whole; ``.fits.gz`` is read alike. Several threads
may read from one file at once.
"""

import math
import os
import threading
import zlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from gzip import BadGzipFile
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.backends.fits_pixels import decode, fetch
from gpipe.backends.native import in_library
from gpipe.datamodels.files.damage import DamageError
from gpipe.datamodels.files.damage.fits_headers import check_headers
from gpipe.datamodels.files.damage.unpacking import is_gzip, unpacked
from gpipe.datamodels.files.warnings import complaints_logged, first_line, one_thread_at_a_time
from gpipe.exceptions import GpipeError
from gpipe.user_files import OpenFile, RegularFile, no_such_file

BLOCK_BYTES = 1 << 20
FEW_COLUMNS = 32
LONG_ROW = 6144
"""Up to one column in so many, of rows of so many bytes, take less time by a call for each row than with all others."""
ROWS_AT_ONCE = 1 << 14
"""Rows of a table that are copied together: values of a column are far apart, and caches hold so many rows."""
_REFUSED = ("File may have been truncated", "Error validating header")
"""Beginnings of warnings about files that ``check_headers`` refuses."""
_buffers = threading.local()
_STORED = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
Put = Callable[[np.ndarray, np.ndarray], None]
"""Puts the values of stored pixels into an array."""
Get = Callable[[int, np.ndarray, np.ndarray], bool]
"""A version of ``fetch``."""


@dataclass(frozen=True)
class Extension:
    """Place and encoding of the pixels of an image extension: ``value = scale * stored + zero``.

    ``scale`` and ``zero`` are what the header says, until `check` has seen them.
    """

    name: str
    shape: tuple[int, ...]
    stored: np.dtype
    offset: int
    scale: float
    zero: float

    @property
    def values(self) -> np.dtype:
        """Type of the values."""
        if self.scale != 1:
            return np.dtype(np.float64)
        if self.stored.kind == "i" and self.zero == 1 << (8 * self.stored.itemsize - 1):
            return np.dtype(f"u{self.stored.itemsize}")
        return self.stored.newbyteorder("=") if self.zero == 0 else np.dtype(np.float64)

    def check(self) -> None:
        """Refuse, by DamageError, a BSCALE or BZERO that is no number or makes none."""
        largest, smallest = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
        stored = np.iinfo(self.stored).max if self.stored.kind in "iu" else 1
        for keyword, value, least, most in (
            ("BSCALE", self.scale, smallest, largest / stored),
            ("BZERO", self.zero, 0, largest),
        ):
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not (number and least <= abs(value) <= most):
                wanted = "a finite number" if keyword == "BZERO" else "a finite number that is not 0"
                raise DamageError(f"found {keyword} = {value!r} in extension {self.name}; expected {wanted}")

    @property
    def end(self) -> int:
        """Position in the (uncompressed) file after the last pixel."""
        return self.offset + self.stored.itemsize * int(np.prod(self.shape, dtype=np.int64))


class FitsFile:
    """One FITS file, its headers and the layout of its image extensions.

    Parameters
    ----------
    path : the file.
    error : the class of gpipe's errors to raise when the file is missing, not FITS or truncated.

    Notes
    -----
    Nothing is read from a map of the file: the system ends a process that reads there what a file has lost meanwhile.
    """

    def __init__(self, path: str | os.PathLike[str], error: type[GpipeError]) -> None:
        self.path, self._error = Path(path), error
        with self._told():
            self._file = RegularFile(path)
            self._content = self._checked()
            with self.hdus() as hdus:
                self.primary = hdus[0].header.copy()
                self._extensions = _layout(hdus)
                self._sound: set[str] = set()
                self._tables = {hdu.name for hdu in hdus if isinstance(hdu, fits.BinTableHDU)}

    def has(self, name: str) -> bool:
        """Tell whether the file has an image with pixels, or a table, of this EXTNAME."""
        return name in self._extensions or name in self._tables

    def is_table(self, name: str) -> bool:
        """Tell whether this EXTNAME is a table."""
        return name in self._tables

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an image extension, without reading it."""
        return self._extension(name).shape

    def values(self, name: str) -> np.dtype:
        """Type of the values of an image extension, unsigned where BZERO says so."""
        return self._extension(name).values

    def dtype(self, name: str) -> np.dtype:
        """Type of the values of an image extension as they are stored; those that are scaled are no integers."""
        extension = self._extension(name)
        shifted = extension.scale == 1 and float(extension.zero).is_integer()
        return extension.stored if shifted else np.dtype(np.float64)

    def keyword(self, name: str) -> Any:
        """Value of a keyword of the primary header; None where it has none."""
        with self._told():
            value = self.primary.get(name)
        return None if isinstance(value, fits.card.Undefined) else value

    def columns(self, name: str) -> tuple[int, dict[str, np.dtype]]:
        """Rows of a table extension, and types of its columns by their names in small letters."""
        with self._told(), self.hdus() as hdus:
            found = hdus[name].columns.dtype
            return int(hdus[name].header["NAXIS2"]), {column.lower(): found[column] for column in found.names}

    @contextmanager
    def hdus(self) -> Iterator[Any]:
        """The file in astropy's hands, for headers and tables: copy what is taken from it before it closes."""
        with (
            one_thread_at_a_time(*_REFUSED),
            self._content.plain_reader() as file,
            fits.open(file, memmap=False, disable_image_compression=True) as hdus,
        ):
            len(hdus)  # astropy looks for extensions only when it must
            yield hdus

    def table(self, name: str) -> np.ndarray:
        """A table extension as a structured array, in native byte order; strings are str."""
        with self._told(), self.hdus() as hdus:
            records = hdus[name].data
            # Column by column: only so does astropy undo TZERO and decode strings.
            columns = {column: np.asarray(records[column]) for column in records.names}
            out = _native_table(records, columns)
            for start in range(0, len(out), ROWS_AT_ONCE):
                rows = slice(start, start + ROWS_AT_ONCE)
                for column, values in columns.items():
                    out[column][rows] = values[rows]
            return out

    def model_without_pixels(
        self, model_class: Any, left_out: Container[str] | None = None, *, as_it_is: bool = False
    ) -> Any:
        """Let ``stdatamodels`` read the file with pixels left out: headers, tables and the ASDF extension remain.

        Parameters
        ----------
        model_class : the ``stdatamodels`` class.
        left_out : EXTNAMEs of the images without pixels; None means all images. Other images are read.
        as_it_is : leave values that the schemas refuse, for somebody who tells the user about them.
        """

        def empty(hdu: Any) -> Any:
            if isinstance(hdu, fits.PrimaryHDU):
                return fits.PrimaryHDU(header=hdu.header)
            image = isinstance(hdu, fits.ImageHDU) and (left_out is None or hdu.name in left_out)
            return fits.ImageHDU(header=hdu.header) if image else hdu

        from gpipe.datamodels.files.metadata import read_model, remove_invalid  # pulls in stdatamodels

        with self._told(), self.hdus() as hdus, complaints_logged(str(self.path)):
            contents = fits.HDUList([empty(hdu) for hdu in hdus])
            try:
                model = read_model(model_class, contents)
                if not as_it_is:
                    remove_invalid(model, str(self.path))
            except Exception as error:  # whatever asdf, yaml and the schemas raise for a damaged extension
                raise self._wrong(f"metadata cannot be read ({first_line(error)})") from None
            return model

    def read(
        self,
        name: str,
        dtype: Any,
        *,
        first: Any = None,
        rows: slice = slice(None),
        columns: slice = slice(None),
        native: Callable[[Any], Any] = in_library,
    ) -> np.ndarray:
        """Read an image extension, or a part of it, into a new native array.

        Parameters
        ----------
        name : EXTNAME.
        dtype : float32 or an unsigned integer wide enough for the stored values.
        first : index of the axes before the last two (integer, slice or tuple of them); None reads all.
        rows, columns : part of the last two axes; steps other than 1 are not supported.
        native : gives the native version of a function, or the function itself; by default that in C.
        """
        extension = self._extension(name)
        part = _Part.of(extension, first, rows, columns)
        out = np.empty(part.shape, dtype=dtype)
        put = partial(native(decode), scale=extension.scale, zero=extension.zero)
        self._fill(out, extension, part, put, native(fetch))
        return out

    def load(self, name: str, dtype: Any, backend: Backend, **part: Any) -> Array:
        """`read` onto a device, which decodes the stored pixels itself if it is not the host."""
        extension = self._extension(name)
        if backend.name == "numpy":
            return self.read(name, dtype, native=backend.native, **part)
        chosen = _Part.of(extension, **part)
        stored = np.empty(chosen.shape, dtype=extension.stored)
        self._fill(stored, extension, chosen, partial(decode, scale=1, zero=0), fetch)
        return backend.from_fits(stored, dtype, scale=extension.scale, zero=extension.zero)

    def _fill(self, out: np.ndarray, extension: Extension, part: "_Part", put: Put, get: Get) -> None:
        if not out.size:
            return
        lines = out.reshape(-1, out.shape[-1])
        with self._told():
            done = 0
            for stored in self._read(extension, part, get):
                put(stored, lines[done : done + len(stored)])
                done += len(stored)
            self._check_unchanged()

    def _read(self, extension: Extension, part: "_Part", get: Get) -> Iterator[np.ndarray]:
        """The rows of a part as they are stored, some at a time, in memory that is used again."""
        span = part.span(extension)
        descriptor, block = self._content.descriptor, _buffer(extension.stored, span.stop - span.start)
        stored = block.reshape(-1).view(np.uint8)
        wanted = slice(part.columns.start - span.start, part.columns.stop - span.start)
        for batch in _batches(part.runs, len(block)):
            pieces = _pieces(extension, batch, span)
            size = int(pieces[:, 1].sum())
            if not get(descriptor, pieces, stored[:size]):
                raise self._truncated("within the pixels")
            yield block[: size // block.strides[0], wanted]

    def _extension(self, name: str) -> Extension:
        if name not in self._extensions:
            found = ", ".join([*self._extensions, *sorted(self._tables)]) or "no extension"
            raise self._wrong(f"found {found}; expected an image extension {name}")
        if name not in self._sound:
            with self._told():
                self._extensions[name].check()
            self._sound.add(name)
        return self._extensions[name]

    def _checked(self) -> OpenFile:
        """Check the headers, and find the content: that of a compressed file is unpacked meanwhile."""
        with self._file.reader() as packed:
            compressed = is_gzip(packed)
            length = packed.seek(0, os.SEEK_END)
            packed.seek(0)
            if compressed:
                return unpacked(packed, length)

            def skip(count: int) -> int:
                there = min(count, length - packed.tell())
                packed.seek(there, os.SEEK_CUR)
                return there

            check_headers(packed.read, skip)
        return self._file

    def check_same(self) -> None:
        """Refuse to go on with a file when another has taken its name."""
        if self._file.was_replaced():
            raise self._wrong("another file took its place while it was read; expected the same file")

    def _check_unchanged(self) -> None:
        """After each read: pixels that were written after the header would be believed."""
        if self._file.was_written_to():
            raise self._wrong("was written to while it was read; expected the same file")

    def _wrong(self, what: str) -> GpipeError:
        return self._error(f"{self.path}: {what}", **{self._error.subject: str(self.path)})

    def _truncated(self, place: str) -> GpipeError:
        return self._wrong(f"truncated or damaged {place}; expected a whole FITS file")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the system and astropy say about a bad file into one line.

        astropy, and NumPy below it, raise some twenty classes for one damage or another.
        """
        try:
            yield
        except GpipeError:
            raise
        except DamageError as error:
            raise self._wrong(str(error)) from None
        except FileNotFoundError:
            raise self._wrong(no_such_file(self.path).removeprefix(f"{self.path}: ")) from None
        except (EOFError, BadGzipFile, zlib.error) as error:
            raise self._wrong(f"damaged or truncated gzip file ({error})") from None
        except Exception as error:
            raise self._wrong(f"cannot be read as FITS ({first_line(error)})") from None


@dataclass(frozen=True)
class _Part:
    """A part of an extension: its shape, the runs (first row, number of rows) it is read from, its columns."""

    shape: tuple[int, ...]
    runs: list[tuple[int, int]]
    columns: slice

    @classmethod
    def of(
        cls, extension: Extension, first: Any = None, rows: slice = slice(None), columns: slice = slice(None)
    ) -> "_Part":
        height, width = extension.shape[-2:]
        top, bottom, _ = rows.indices(height)
        left, right, _ = columns.indices(width)
        leading = extension.shape[:-2]
        planes = np.arange(math.prod(leading)).reshape(leading)
        planes = planes if first is None else planes[first]
        runs = _runs((planes.reshape(-1) * height).tolist(), top, bottom, whole=bottom - top == height)
        return cls((*planes.shape, max(bottom - top, 0), max(right - left, 0)), runs, slice(left, right))

    def span(self, extension: Extension) -> slice:
        """The columns that are read: those of whole rows, but for few columns of long rows."""
        width = extension.shape[-1]
        by_itself = self.shape[-1] * FEW_COLUMNS <= width and width * extension.stored.itemsize >= LONG_ROW
        return self.columns if by_itself else slice(0, width)


def _runs(planes: Sequence[int], top: int, bottom: int, *, whole: bool) -> list[tuple[int, int]]:
    """(first row, number of rows) of what is read from planes that begin at these rows; neighbours are one run."""
    runs: list[tuple[int, int]] = []
    for plane in planes:
        if whole and runs and sum(runs[-1]) == plane:
            runs[-1] = runs[-1][0], runs[-1][1] + bottom
        else:
            runs.append((plane + top, bottom - top))
    return runs


def _batches(runs: Sequence[tuple[int, int]], most: int) -> Iterator[list[tuple[int, int]]]:
    """Runs of rows, in batches of no more rows than ``most``; what does not fit goes on in the next."""
    batch: list[tuple[int, int]] = []
    room = most
    for start, count in runs:
        while count:
            taken = min(count, room)
            batch.append((start, taken))
            start, count, room = start + taken, count - taken, room - taken
            if not room:
                yield batch
                batch, room = [], most
    if batch:
        yield batch


def _pieces(extension: Extension, batch: Sequence[tuple[int, int]], span: slice) -> np.ndarray:
    """Place and bytes of what is read for a batch: int64, (piece, 2). Whole rows of a run are one piece."""
    item, width = extension.stored.itemsize, extension.shape[-1]
    if span == slice(0, width):
        pieces = np.asarray(batch, np.int64) * (width * item)
    else:
        rows = np.concatenate([np.arange(start, start + count) for start, count in batch])
        pieces = np.stack([(rows * width + span.start) * item, np.full_like(rows, (span.stop - span.start) * item)], 1)
    pieces[:, 0] += extension.offset
    return pieces


def _buffer(stored: np.dtype, columns: int) -> np.ndarray:
    """Rows of stored pixels, in memory that belongs to this thread and is used again by its next call."""
    row = columns * stored.itemsize
    size = max(BLOCK_BYTES // row, 1) * row
    held = getattr(_buffers, "bytes", None)
    if held is None or held.size < size:
        held = _buffers.bytes = np.empty(size, dtype=np.uint8)
    return held[:size].view(stored).reshape(-1, columns)


def _native_table(records: Any, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Room for the values of columns in native byte order: the place of the records, if astropy made no other arrays.

    A large table is then in memory once.
    """
    dtype = np.dtype([(name, values.dtype.newbyteorder("="), values.shape[1:]) for name, values in columns.items()])
    is_stored = all(np.may_share_memory(values, records) for values in columns.values())
    in_place = is_stored and records.flags.writeable and records.dtype.itemsize == dtype.itemsize
    return np.ndarray(len(records), dtype, records if in_place else None)


def _layout(hdus: Any) -> dict[str, Extension]:
    layout = {}
    for hdu in hdus[1:]:
        if not isinstance(hdu, fits.ImageHDU) or len(hdu.shape) < 2 or hdu.name in layout:
            continue
        header = hdu.header
        layout[hdu.name] = Extension(
            name=hdu.name,
            shape=tuple(hdu.shape),
            stored=np.dtype(_STORED[header["BITPIX"]]),
            offset=hdu.fileinfo()["datLoc"],
            scale=header.get("BSCALE", 1),
            zero=header.get("BZERO", 0),
        )
    return layout
