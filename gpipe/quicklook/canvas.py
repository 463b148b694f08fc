"""Figures of matplotlib, which is imported when a picture is drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpipe.exceptions import OutputError, ParameterError

FILE_TYPES = (".png", ".pdf", ".svg")


def new_figure(width: float, height: float) -> Any:
    """Make an empty figure of a size in inches. OutputError: matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise OutputError("a picture needs matplotlib, which is not installed; install matplotlib") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def titled(model: Any, *, integrations: Sequence[int], shown: int = 0) -> str:
    """Return the title of a picture: the file, and which of several integrations is shown, counted from 1."""
    name = model.meta.filename or ""
    return f"{name}: integration {shown + 1} of {integrations[0]}" if integrations and integrations[0] > 1 else name


def save_figure(figure: Any, path: str | Path) -> Path:
    """Write a figure to a PNG, PDF or SVG file. OutputError: it cannot be written."""
    path = Path(path).expanduser()
    if path.suffix.lower() not in FILE_TYPES:
        raise ParameterError.at(f"picture {path}", f"file type {path.suffix!r}", " or ".join(FILE_TYPES))
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"{path}: the picture cannot be written ({error.strerror})") from None
    return path
