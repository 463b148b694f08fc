"""`look`: the picture of a product."""

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Exposure, Ramp, Rate, open_exposure, read_header
from gpipe.exceptions import GpipeError, ParameterError
from gpipe.quicklook.canvas import save_figure
from gpipe.quicklook.dq_picture import dq_picture
from gpipe.quicklook.ramp_picture import ramp_picture
from gpipe.quicklook.rate_picture import rate_picture
from gpipe.suffixes import split_suffix, stem

KINDS = ("rate", "dq", "ramp")


def look(
    source: Any, kind: str | None = None, *, pixel: Sequence[int] | None = None, path: str | Path | None = None
) -> Any:
    """Draw a product of stage 1.

    Parameters
    ----------
    source : path or open model: an uncalibrated exposure, a ramp, or rates.
    kind : ``"rate"`` (rates, errors, flags), ``"dq"`` (a panel for each flag) or ``"ramp"`` (groups of single pixels,
        before and after each step whose product lies beside the file). By default rates or ramps, as the file has them.
    pixel : column and row of the pixel that ``"ramp"`` draws, counted from 0.
    path : a PNG, PDF or SVG file to write; None writes none.

    Returns
    -------
    The matplotlib figure, which notebooks show.

    Raises
    ------
    InputError, ParameterError, OutputError
        The file holds no such product; the kind or the pixel is wrong; matplotlib is missing, or the picture cannot be
        written.
    """
    if kind not in (None, *KINDS):
        raise ParameterError.at("kind", repr(kind), ", ".join(map(repr, KINDS)))
    exposure = open_exposure(read_header(source, expects=(Ramp, Rate)), NumpyBackend())
    kind = kind or ("ramp" if isinstance(exposure, Ramp) else "rate")
    figure = _drawn(exposure, kind, pixel, Path(source).expanduser() if isinstance(source, str | Path) else None)
    if path is not None:
        save_figure(figure, path)
    return figure


def _drawn(exposure: Exposure, kind: str, pixel: Sequence[int] | None, file: Path | None) -> Any:
    if pixel is not None and kind != "ramp":
        raise ParameterError.at("pixel", f"{tuple(pixel)} for a picture of kind {kind!r}", "none")
    if kind == "dq":
        return dq_picture(exposure)
    if isinstance(exposure, Ramp) and kind == "ramp":
        ramps, rate = _of_one_exposure(exposure, file)
        return ramp_picture(ramps, rate=rate, pixels=None if pixel is None else {"": _pixel(pixel)})
    if isinstance(exposure, Rate) and kind == "rate":
        return rate_picture(exposure)
    found = "ramps" if isinstance(exposure, Ramp) else "rates"
    raise ParameterError.at("kind", f"{kind!r} for a file with {found}", "'dq' or none")


def _pixel(given: Sequence[int]) -> tuple[int, int]:
    if len(given) != 2 or not all(isinstance(value, Integral) for value in given):
        raise ParameterError.at("pixel", repr(given), "a column and a row")
    return int(given[0]), int(given[1])


def _of_one_exposure(exposure: Ramp, file: Path | None) -> tuple[dict[str, Ramp], Rate | None]:
    """The ramps of an exposure by the suffix of their files, in the order of calibration, and its rates."""
    if file is None:
        return {exposure.meta.filename or "ramp": exposure}, None
    found = {file: exposure} | _beside(file)
    ramps = {path: one for path, one in found.items() if isinstance(one, Ramp) and one.shape == exposure.shape}
    rates = [one for one in found.values() if isinstance(one, Rate) and len(one.shape) == 2]
    in_order = sorted(ramps, key=lambda path: (_steps_done(ramps[path]), path.name))
    root, _ = split_suffix(stem(file.name))
    return {stem(path.name)[len(root) + 1 :] or path.name: ramps[path] for path in in_order}, next(iter(rates), None)


def _beside(file: Path) -> dict[Path, Exposure]:
    """Open the products of the same exposure in the folder of a file; what is none of stage 1 is left out."""
    root, separator = split_suffix(stem(file.name))
    found = {}
    for path in sorted(file.parent.glob(f"{root}{separator}*{file.suffix}")):
        if path.name != file.name and split_suffix(stem(path.name))[0] == root:
            try:
                found[path] = open_exposure(read_header(path, expects=(Ramp, Rate)), NumpyBackend())
            except GpipeError:
                continue
    return found


def _steps_done(ramp: Ramp) -> int:
    return sum(status == "COMPLETE" for status in ramp.meta.cal_step.instance.values())
