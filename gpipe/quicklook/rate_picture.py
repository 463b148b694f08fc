"""Picture of a count-rate image: the rates, their errors and the flags."""

from pathlib import Path
from typing import Any

import numpy as np

from gpipe import dq
from gpipe.quicklook.canvas import new_figure, save_figure, titled
from gpipe.quicklook.scaling import by_mean, by_union, extent, factor_for, sky_range

FLAGS = {"jump": dq.JUMP_DET, "saturated": dq.SATURATED, "do not use": dq.DO_NOT_USE}
COLOURS = ("#f7f7f7", "#0072b2", "#e69f00", "#000000")
"""Of pixels without flags, and of each flag: of a palette that colour-blind people can tell apart."""


def rate_picture(model: Any, *, scale: str = "asinh", truth: np.ndarray | None = None) -> Any:
    """Draw a count-rate image, its errors and its flags.

    Parameters
    ----------
    model : a model with ``data`` and ``err`` (DN/s) and ``dq``, each (row, column), or of the first of several
        integrations (integration, row, column).
    scale : ``"asinh"``, linear around the sky and logarithmic for stars, or ``"zscale"``, linear around the sky.
    truth : true rates (row, column), DN/s; adds the distribution of (recovered - true) / error.

    Returns
    -------
    A matplotlib figure. Large images are shrunk: rates and errors by the mean of finite pixels, flags by their union.
    """
    data, err, flags = (np.asarray(plane)[(0,) * (np.ndim(plane) - 2)] for plane in (model.data, model.err, model.dq))
    figure = new_figure(15, 4.6)
    left, middle, right = figure.subplots(1, 3)
    factor = factor_for(data.shape)
    _draw_rate(figure, left, by_mean(data, factor), extent(data.shape), scale)
    _draw_flags(figure, middle, by_union(flags, factor), extent(flags.shape))
    if truth is None:
        _draw_errors(figure, right, by_mean(err, factor), extent(err.shape))
    else:
        _draw_pulls(right, pulls(model, truth))
    figure.suptitle(titled(model, integrations=np.shape(model.data)[:-2]))
    return figure


def save_rate_picture(model: Any, path: str | Path, *, truth: np.ndarray | None = None) -> Path:
    """Write `rate_picture` to a file."""
    return save_figure(rate_picture(model, truth=truth), path)


def pulls(model: Any, truth: np.ndarray) -> np.ndarray:
    """(recovered - true) / error of the pixels that `unflagged` chooses: one dimension."""
    good = unflagged(model)
    return (np.asarray(model.data)[good] - truth[good]) / np.asarray(model.err)[good]


def unflagged(model: Any) -> np.ndarray:
    """Choose the pixels that have no flag, a finite rate and an error: boolean, as the rates."""
    return (np.asarray(model.dq) == 0) & np.isfinite(model.data) & (np.asarray(model.err) > 0)


def flag_numbers(flags: np.ndarray) -> np.ndarray:
    """Number each pixel by the last of `FLAGS` that it has, from 1; 0 for none."""
    shown = np.zeros(flags.shape, np.uint8)
    for number, bit in enumerate(FLAGS.values(), start=1):
        shown[(flags & bit) != 0] = number
    return shown


def _draw_rate(figure: Any, axes: Any, rate: np.ndarray, sides: tuple[float, ...], scale: str) -> None:
    image = axes.imshow(rate, origin="lower", cmap="cividis", norm=norm_of(rate, scale), extent=sides)
    _name(axes, "rate [DN/s]")
    figure.colorbar(image, ax=axes, shrink=0.85)


def norm_of(rate: np.ndarray, scale: str) -> Any:
    """Return the scale of colours for an image, ``"asinh"`` or ``"zscale"`` as of `rate_picture`."""
    from matplotlib.colors import AsinhNorm, Normalize

    low, sky, high = sky_range(rate)
    if scale == "zscale":
        spread = sky - low
        return Normalize(low, sky + 3 * spread if spread > 0 else high)
    return AsinhNorm(linear_width=2 * (sky - low) or (high - low) / 1000, vmin=low, vmax=high)


def _draw_flags(figure: Any, axes: Any, flags: np.ndarray, sides: tuple[float, ...]) -> None:
    from matplotlib.colors import ListedColormap

    image = axes.imshow(
        flag_numbers(flags),
        origin="lower",
        cmap=ListedColormap(COLOURS),
        vmin=-0.5,
        vmax=len(FLAGS) + 0.5,
        interpolation="nearest",
        extent=sides,
    )
    _name(axes, "flags")
    bar = figure.colorbar(image, ax=axes, shrink=0.85, ticks=range(len(FLAGS) + 1))
    bar.ax.set_yticklabels(["none", *FLAGS])


def _draw_errors(figure: Any, axes: Any, err: np.ndarray, sides: tuple[float, ...]) -> None:
    low, _, high = sky_range(err)
    image = axes.imshow(err, origin="lower", cmap="cividis", vmin=low, vmax=high, extent=sides)
    _name(axes, "error [DN/s]")
    figure.colorbar(image, ax=axes, shrink=0.85)


def _draw_pulls(axes: Any, values: np.ndarray) -> None:
    edges = np.linspace(-5, 5, 101)
    axes.hist(values, bins=edges, density=True, color="slateblue", label="pixels without flags")
    axes.plot(edges, np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi), color="black", lw=1, label="normal")
    axes.set_title("(recovered - true) / error")
    axes.legend(fontsize="small")


def _name(axes: Any, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("column")
    axes.set_ylabel("row")
