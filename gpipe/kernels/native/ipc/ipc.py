"""Inter-pixel capacitance: functions of ``gpipe.ipc.ipc``, each frame read once."""

from collections.abc import Sequence

import numpy as np

from gpipe.arrays.precision import all_float32
from gpipe.ipc import ipc
from gpipe.ipc.ipc import Border, inside
from gpipe.kernels.native.arguments import Function, array, contiguous, contiguous_rows, integer, output

_correct = Function(
    "ipc_correct",
    data=array(np.float32, "frames rows columns"),
    kernel=array(np.float32, "tall wide height width", is_strided=True),
    inside=array(np.int64, "lines"),
    left=integer,
    nothing=array(np.float32, "taken"),
    out=output(np.float32, "frames rows columns"),
)


def correct_ipc(data: np.ndarray, kernel: np.ndarray, *, border: Border) -> np.ndarray:
    """See ``gpipe.ipc.ipc.correct_ipc``."""
    if not _fits(data, kernel, data.shape[-2]):
        return ipc.correct_ipc(data, kernel, border=border)
    return _corrected(data, kernel, np.arange(data.shape[-2]), border)


def correct_interleaved(data: np.ndarray, kernel: np.ndarray, *, border: Border, places: Sequence[int]) -> np.ndarray:
    """See ``gpipe.ipc.ipc.correct_interleaved``."""
    if not _fits(data, kernel, len(places)):
        return ipc.correct_interleaved(data, kernel, border=border, places=places)
    return _corrected(data, kernel, np.asarray(places, np.int64), border)


def _fits(data: np.ndarray, kernel: np.ndarray, rows: int) -> bool:
    """Tell whether C takes these; the portable function refuses kernels of other shapes, and takes other types."""
    is_odd = all(size % 2 for size in kernel.shape[:2])
    has_shape = kernel.shape[2:] in ((), (rows, data.shape[-1]))
    return all_float32(data, kernel) and is_odd and has_shape and kernel.ndim >= 2


def _corrected(data: np.ndarray, kernel: np.ndarray, places: np.ndarray, border: Border) -> np.ndarray:
    rows, columns = inside((len(places), data.shape[-1]), border)
    weights = kernel[..., rows, columns] if kernel.ndim == 4 else kernel[..., None, None]
    out = np.empty(data.shape, np.float32)
    frames = (data.shape[0] * data.shape[1], *data.shape[-2:])
    given, corrected = (x.reshape(frames) for x in (contiguous(data), out))
    nothing = np.zeros(columns.stop - columns.start, np.float32)
    _correct(given, contiguous_rows(weights), places[rows], columns.start, nothing, corrected)
    return out
