"""Picture of the flags of an image: one panel for each flag."""

from typing import Any

import numpy as np

from gpipe import dq
from gpipe.quicklook.canvas import new_figure
from gpipe.quicklook.scaling import by_maximum, extent, factor_for

ACROSS = 4
"""Panels in a row."""
PANEL = 512
"""The most rows and columns of an image that a panel shows."""
SINGLE_SEEN = 0.001
"""Flags of a smaller part of the pixels are drawn larger, so that single pixels are seen."""


def dq_picture(model: Any) -> Any:
    """Draw the pixels that have each flag, with their number and fraction.

    Parameters
    ----------
    model : a model with flags (row, column) in ``dq`` or ``pixeldq``; of several integrations (integration, row,
        column) their union.

    Returns
    -------
    A matplotlib figure. Large images are shrunk: a pixel of the picture is dark if any of its pixels has the flag.
    """
    flags = image_flags(model)
    found = flags_in(flags)
    rows = max(1, -(-len(found) // ACROSS))
    figure = new_figure(3.6 * ACROSS, 3.8 * rows)
    panels = figure.subplots(rows, ACROSS, squeeze=False).ravel()
    for axes, (name, number) in zip(panels, found.items(), strict=False):
        axes.imshow(
            shown(flags, name), origin="lower", cmap="Greys", vmin=0, vmax=1, extent=extent(flags.shape),
            interpolation="nearest",
        )  # fmt: skip
        axes.set_title(f"{name}\n{number:,} pixels, {number / flags.size:.3%}", fontsize="medium")
    for axes in panels[len(found) :]:
        axes.set_axis_off()
    figure.suptitle(f"{model.meta.filename or ''}{'' if found else ': no flags'}")
    return figure


def image_flags(model: Any) -> np.ndarray:
    """Return the flags of each pixel (row, column)."""
    flags = np.asarray(model.dq if hasattr(model, "dq") else model.pixeldq)
    return np.bitwise_or.reduce(flags.reshape(-1, *flags.shape[-2:]), axis=0)


def flags_in(flags: np.ndarray) -> dict[str, int]:
    """Count the pixels with each flag, by name; flags that no pixel has are left out."""
    counts = {name: int(np.count_nonzero(flags & np.uint32(bit))) for name, bit in _bits().items()}
    return {name: count for name, count in counts.items() if count}


def shown(flags: np.ndarray, name: str) -> np.ndarray:
    """Return the image of a panel: 1 where the flag is set; rare flags are two pixels larger on each side."""
    has_flag = (flags & np.uint32(_bits()[name])) != 0
    image = by_maximum(has_flag, factor_for(has_flag.shape, PANEL))
    return _larger(image) if has_flag.mean() < SINGLE_SEEN else image


def _bits() -> dict[str, int]:
    return {name: bit for name, bit in vars(dq).items() if name.isupper() and bit}


def _larger(image: np.ndarray) -> np.ndarray:
    grown = image.copy()
    for axis in (0, 1):
        for shift in (-2, -1, 1, 2):
            moved = np.roll(image, shift, axis)
            edge = slice(None, shift) if shift > 0 else slice(shift, None)
            moved[(edge, slice(None)) if axis == 0 else (slice(None), edge)] = False
            grown |= moved
        image = grown.copy()
    return grown
