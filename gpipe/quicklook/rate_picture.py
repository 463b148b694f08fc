"""PNG of a count-rate image: the rates, their errors and the flags."""

from pathlib import Path
from typing import Any

import numpy as np

from gpipe import dq
from gpipe.exceptions import OutputError

FLAGS = {"jump": dq.JUMP_DET, "saturated": dq.SATURATED, "do not use": dq.DO_NOT_USE}


def save_rate_picture(model: Any, path: str | Path, *, truth: np.ndarray | None = None) -> Path:
    """Draw a count-rate image.

    Parameters
    ----------
    model : a model with ``data`` and ``err`` (DN/s) and ``dq``, each (row, column).
    path : the PNG to write.
    truth : true rates (row, column), DN/s; adds the distribution of (recovered - true) / error.

    Raises
    ------
    OutputError
        matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise OutputError(f"{path}: a quick look needs matplotlib; install gpipe[plot]") from None
    figure = Figure(figsize=(15, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    _draw_rate(figure, left, np.asarray(model.data))
    _draw_flags(figure, middle, np.asarray(model.dq))
    if truth is None:
        _draw_errors(right, np.asarray(model.err))
    else:
        _draw_pulls(right, pulls(model, truth))
    figure.suptitle(model.meta.filename or "")
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"{path}: the picture cannot be written ({error.strerror})") from None
    return Path(path)


def pulls(model: Any, truth: np.ndarray) -> np.ndarray:
    """(recovered - true) / error of the pixels that carry no flag and a finite rate: one dimension."""
    good = (np.asarray(model.dq) == 0) & np.isfinite(model.data) & (np.asarray(model.err) > 0)
    return (np.asarray(model.data)[good] - truth[good]) / np.asarray(model.err)[good]


def _draw_rate(figure: Any, axes: Any, rate: np.ndarray) -> None:
    finite = rate[np.isfinite(rate)]
    low, high = np.percentile(finite, [1, 99.5]) if finite.size else (0, 1)
    image = axes.imshow(rate, origin="lower", cmap="inferno", vmin=low, vmax=high, interpolation="nearest")
    axes.set_title("rate [DN/s]")
    figure.colorbar(image, ax=axes, shrink=0.85)


def _draw_flags(figure: Any, axes: Any, flags: np.ndarray) -> None:
    shown = np.zeros(flags.shape, np.uint8)
    for number, bit in enumerate(FLAGS.values(), start=1):
        shown[(flags & bit) != 0] = number
    image = axes.imshow(shown, origin="lower", cmap="viridis", vmin=0, vmax=len(FLAGS), interpolation="nearest")
    axes.set_title("flags")
    bar = figure.colorbar(image, ax=axes, shrink=0.85, ticks=range(len(FLAGS) + 1))
    bar.ax.set_yticklabels(["none", *FLAGS])


def _draw_errors(axes: Any, err: np.ndarray) -> None:
    positive = err[np.isfinite(err) & (err > 0)]
    axes.hist(np.log10(positive), bins=100, color="slateblue")
    axes.set_title("error [log10 DN/s]")


def _draw_pulls(axes: Any, values: np.ndarray) -> None:
    edges = np.linspace(-5, 5, 101)
    axes.hist(values, bins=edges, density=True, color="slateblue", label="pixels without flags")
    axes.plot(edges, np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi), color="black", lw=1, label="normal")
    axes.set_title("(recovered - true) / error")
    axes.legend(fontsize="small")
