"""Signals of reference pixels, found once from the border of an array and subtracted from any of its rows."""

from collections.abc import Callable
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.refpix.border import Border
from gpipe.refpix.orientation import Orientation

# Border pixels whose signal is found at once: of a full frame of eight groups, or of many integrations of a subarray.
BLOCK_PIXELS = 1 << 20


@dataclass(frozen=True)
class Signals:
    """Signals to subtract; float32, DN, (integration, group, row, column) in the science frame.

    Attributes
    ----------
    drifts : of detector columns; the other axis is 1.
    rows : of detector rows, or None; the other axis is 1, or has an element for each amplifier if they differ.
    shape : rows and columns of the whole array.
    """

    drifts: Array
    rows: Array | None
    shape: tuple[int, int]


def find_signals(
    border: Border, orientation: Orientation, signals: Callable[[Border], tuple[Array, Array | None]], *, xp: Namespace
) -> Signals:
    """Find the signals of all integrations, some at a time.

    Parameters
    ----------
    border : of data, (integration, group, row, column), DN, science frame.
    signals : gives drifts and rows, (integration, group, row, column) in the detector frame, for those in a border in
        the detector frame.
    """
    dtype, shape = border.left.dtype, border.shape
    turned = border.to_detector(orientation, xp=xp)
    integrations, groups, rows, columns = shape
    length = max(1, BLOCK_PIXELS // max(1, groups * (rows + columns)))
    starts = range(0, integrations, length)
    found = [signals(turned.integrations(slice(start, min(start + length, integrations)))) for start in starts]

    def joined(parts: list[Array]) -> Array:
        return xp.astype(orientation.to_science(xp.concat(parts, axis=0), xp=xp), dtype)

    lines = [line for _, line in found if line is not None]
    return Signals(joined([drifts for drifts, _ in found]), joined(lines) if lines else None, (rows, columns))


def difference(later: Signals, earlier: Signals) -> Signals:
    """Signals to subtract in addition to earlier ones, which hold none of rows."""
    return Signals(later.drifts - earlier.drifts, None, later.shape)


def subtract_signals(data: Array, signals: Signals, *, first_row: int = 0) -> Array:
    """``data - drifts - rows``, for any block of rows of the array that the signals were found from.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame. NaN stays NaN.
    first_row : which row of the array ``data`` begins with.
    """
    xp = array_namespace(data, signals.drifts, signals.rows)
    corrected = data - _of_rows(signals.drifts, first_row, data.shape, signals.shape[0], xp=xp)
    if signals.rows is not None:
        corrected -= _of_rows(signals.rows, first_row, data.shape, signals.shape[0], xp=xp)
    return corrected


def _of_rows(signal: Array, first: int, shape: tuple[int, ...], whole: int, *, xp: Namespace) -> Array:
    """The signal of some rows, out of ``whole``; one of an amplifier is that of all its lines."""
    rows, columns = signal.shape[-2:]
    if rows > 1:
        row = xp.arange(first, first + shape[-2], dtype=xp.int64, device=device(signal))
        signal = xp.take(signal, row // (whole // rows), axis=-2)
    if columns > 1:
        signal = xp.repeat(signal, shape[-1] // columns, axis=-1)
    return signal
