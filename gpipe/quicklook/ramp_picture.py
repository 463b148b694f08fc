"""Picture of the groups of single pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpipe import dq
from gpipe.exceptions import ParameterError
from gpipe.quicklook.canvas import new_figure, titled

MARKS = {"saturated": (dq.SATURATED, "s"), "jump": (dq.JUMP_DET, "^"), "do not use": (dq.DO_NOT_USE, "x")}
Pixel = tuple[int, int]
"""Column and row, counted from 0."""


def ramp_picture(
    models: Mapping[str, Any], *, pixels: Mapping[str, Pixel] | None = None, rate: Any = None, integration: int = 0
) -> Any:
    """Draw the groups of single pixels, a panel for each.

    Parameters
    ----------
    models : ramp models by what was done to them (``"uncal"``, ``"linearity"``), with ``data`` (integration, group,
        row, column), DN, and ``groupdq`` where flags are known. All have the same shape.
    pixels : pixels by a word for the panel's title; by default five that `chosen_pixels` chooses.
    rate : rate model of the same exposure; its rate, DN/s, is drawn as a line through the last of ``models``.
    integration : which one is drawn.

    Returns
    -------
    A matplotlib figure. Flagged groups of the last model are marked by kind.

    Raises
    ------
    ParameterError
        A pixel is outside the image.
    """
    last = list(models.values())[-1]
    pixels = chosen_pixels(last, integration=integration) if pixels is None else pixels
    for pixel in pixels.values():
        _check(pixel, np.shape(last.data)[-2:])
    figure = new_figure(4.2 * len(pixels), 4.2)
    panels = figure.subplots(1, len(pixels), squeeze=False).ravel()
    for axes, (word, pixel) in zip(panels, pixels.items(), strict=True):
        _draw(axes, models, pixel, rate, integration)
        # FITS counts from 1.
        axes.set_title(f"{word} pixel {pixel[0]}, {pixel[1]} (FITS {pixel[0] + 1}, {pixel[1] + 1})", fontsize="small")
        axes.legend(fontsize="small")
    figure.suptitle(titled(last, integrations=np.shape(last.data)[:-3], shown=integration))
    return figure


def chosen_pixels(model: Any, *, integration: int = 0, seed: int = 1) -> dict[str, Pixel]:
    """Choose a bright, a faint, a saturated and a random pixel, and one with a jump, as far as there are such.

    ``model`` is a ramp model. The saturated pixel is so in its last group only, if there is such a pixel.
    """
    data = np.asarray(model.data[integration], dtype=np.float64)
    flags = _flags(model, integration)
    rise = np.where(np.any(flags & dq.DO_NOT_USE, axis=0), np.nan, data[-1] - data[0])
    good = np.where(np.any(flags & (dq.SATURATED | dq.JUMP_DET), axis=0), np.nan, rise)
    found: dict[str, Pixel] = {}
    if np.any(np.isfinite(good)):
        order = np.argsort(good, axis=None)[: int(np.isfinite(good).sum())]
        found["bright"] = _pixel(order[-1], good.shape)
        found["faint"] = _pixel(order[len(order) // 20], good.shape)
    for word, bit in (("jump", dq.JUMP_DET), ("saturated", dq.SATURATED)):
        number = np.count_nonzero(flags & bit, axis=0)
        if number.any():
            found[word] = _pixel(np.argmin(np.where(number > 0, number, number.max() + 1)), number.shape)
    found["random"] = _pixel(np.random.default_rng(seed).integers(rise.size), rise.shape)
    return found


def group_times(model: Any) -> np.ndarray:
    """Return the end of each group since the reset, in s, or its number where the header has no TGROUP: (group,)."""
    groups = np.shape(model.data)[1]
    return np.arange(1, groups + 1) * float(model.meta.exposure.group_time or 1.0)


def line_of(rate: Any, pixel: Pixel, times: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the fitted line at ``times`` (group,): of the pixel's rate, through the middle of the samples (group,)."""
    column, row = pixel
    slope = float(np.asarray(rate.data).reshape(-1, *np.shape(rate.data)[-2:])[0, row, column])
    finite = np.isfinite(samples)
    offset = np.mean(samples[finite] - slope * times[finite]) if finite.any() else np.nan
    return np.asarray(offset + slope * times)


def _draw(axes: Any, models: Mapping[str, Any], pixel: Pixel, rate: Any, integration: int) -> None:
    column, row = pixel
    for number, (label, model) in enumerate(models.items()):
        times = group_times(model)
        samples = np.asarray(model.data[integration, :, row, column], dtype=np.float64)
        axes.plot(times, samples, "o-", ms=3, lw=0.8, color=f"C{number}", label=label)
    flags = _flags(model, integration, row, column)
    for word, (bit, mark) in MARKS.items():
        if (chosen := (flags & bit) != 0).any():
            axes.plot(times[chosen], samples[chosen], mark, ms=9, mfc="none", color="black", label=word)
    if rate is not None:
        usable = np.where(flags & (dq.SATURATED | dq.DO_NOT_USE), np.nan, samples)
        axes.plot(times, line_of(rate, pixel, times, usable), "--", color="black", lw=1, label="rate")
    axes.set_xlabel("time since reset [s]" if model.meta.exposure.group_time else "group")
    axes.set_ylabel("signal [DN]")


def _flags(model: Any, integration: int, *where: int) -> np.ndarray:
    flags = getattr(model, "groupdq", None)
    index = (integration, slice(None), *where)
    if flags is None or not np.size(flags):
        return np.zeros(np.shape(model.data)[1:2] if where else np.shape(model.data)[1:], np.uint8)
    return np.asarray(flags[index])


def _pixel(position: Any, shape: tuple[int, ...]) -> Pixel:
    row, column = np.unravel_index(int(position), shape)
    return int(column), int(row)


def _check(pixel: Pixel, shape: Sequence[int]) -> None:
    rows, columns = shape
    if not (0 <= pixel[0] < columns and 0 <= pixel[1] < rows):
        raise ParameterError(
            f"pixel: found column {pixel[0]}, row {pixel[1]}, expected 0 to {columns - 1} and 0 to {rows - 1}"
        )
