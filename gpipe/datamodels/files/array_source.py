"""Arrays of a file or of an open model, read one at a time: exposures and references alike.

Arrays carry the attribute names of ``stdatamodels`` (``data``, ``groupdq``, …), dotted where nested.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels.exposures.planes import ALL
from gpipe.datamodels.files.wcs_tree import copied_tree
from gpipe.exceptions import GpipeError


class ArraySource(Protocol):
    """Arrays in native byte order; several threads may read at once.

    Attributes
    ----------
    name : of the file or model, for messages.
    """

    name: str

    def has(self, array: str) -> bool:
        """Tell whether there is such an array or table."""

    def shape(self, array: str) -> tuple[int, ...]:
        """Shape of an array that exists, without reading it."""

    def values(self, array: str) -> np.dtype:
        """Type of the values of an array that exists, as they are given."""

    def read(self, array: str, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> np.ndarray:
        """Read an array that exists, or some of it; the result may be read-only.

        ``rows`` and ``columns`` are those of the last two axes; ``first`` is an index of the axes before. Tables are
        structured arrays.
        """

    def load(self, array: str, backend: Backend, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> Array:
        """`read` onto a device."""


class FitsArrays:
    """Arrays of a FITS file, of which only the headers are read at once.

    Parameters
    ----------
    error : raised for a file that is missing or damaged.
    """

    def __init__(self, path: Path, error: type[GpipeError]) -> None:
        from gpipe.datamodels.files.fits_reader import FitsFile  # pulls in astropy; importing a step should not

        self.file, self.name = FitsFile(path, error), str(path)

    def _extension(self, array: str) -> str:
        """The EXTNAME of an array."""
        raise NotImplementedError

    def _dtype(self, array: str) -> Any:
        """The type of an array in memory."""
        raise NotImplementedError

    def has(self, array: str) -> bool:
        return self.file.has(self._extension(array))

    def shape(self, array: str) -> tuple[int, ...]:
        return self.file.shape(self._extension(array))

    def values(self, array: str) -> np.dtype:
        return self.file.values(self._extension(array))

    def read(self, array: str, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> np.ndarray:
        extension = self._extension(array)
        if self.file.is_table(extension):
            return self.file.table(extension)
        return self.file.read(extension, self._dtype(array), first=first, rows=rows, columns=columns)

    def load(self, array: str, backend: Backend, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> Array:
        cut = {"first": first, "rows": rows, "columns": columns}
        return self.file.load(self._extension(array), self._dtype(array), backend, **cut)


class ModelArrays:
    """Arrays of an open model, which stays as it is: nobody can write into it from here.

    Parameters
    ----------
    name : for messages.
    """

    def __init__(self, model: Any, name: str) -> None:
        self._model, self.name = model, name

    def _dtype(self, array: str) -> Any:
        """The type of an array in memory; tables and complex numbers stay as they are."""
        raise NotImplementedError

    def has(self, array: str) -> bool:
        return self._found(array) is not None

    def shape(self, array: str) -> tuple[int, ...]:
        return tuple(np.shape(self._found(array)))

    def values(self, array: str) -> np.dtype:
        return np.dtype(np.asarray(self._found(array)).dtype)

    def read(self, array: str, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> np.ndarray:
        found = np.asarray(self._found(array))
        if found.dtype.names or np.iscomplexobj(found):
            return found
        if first is not None:
            found = found[first]
        view = found[..., rows, columns].astype(self._dtype(array), copy=False).view()
        view.flags.writeable = False
        return view

    def load(self, array: str, backend: Backend, first: Any = None, rows: slice = ALL, columns: slice = ALL) -> Array:
        return backend.to_device(self.read(array, first, rows, columns))

    def without(self, arrays: tuple[str, ...]) -> dict[str, Any]:
        """A copy of the model's tree without some arrays."""
        return copied_tree({key: value for key, value in self._model.instance.items() if key not in arrays})

    def _found(self, array: str) -> Any:
        node = self._model.instance
        for key in array.split("."):
            node = node.get(key) if isinstance(node, dict) else None
        return node
