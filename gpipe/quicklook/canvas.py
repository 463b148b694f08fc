"""Figures of matplotlib, which is imported when a picture is drawn."""

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
        raise OutputError("a picture needs matplotlib, which is not installed; install gpipe[plot]") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Any, path: str | Path) -> Path:
    """Write a figure to a PNG, PDF or SVG file. OutputError: it cannot be written."""
    path = Path(path).expanduser()
    if path.suffix.lower() not in FILE_TYPES:
        raise ParameterError(f"picture {path}: found file type {path.suffix!r}, expected {' or '.join(FILE_TYPES)}")
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise OutputError(f"{path}: the picture cannot be written ({error.strerror})") from None
    return path
