"""References and exposures as ``stdatamodels`` models: the same pixels, the same orientation."""

from typing import Any

import numpy as np

from gpipe.datamodels import Window, full_frame, window_of
from gpipe.datamodels.exposures.window import StripedWindow
from gpipe.exceptions import InputError, ReferenceFileError

__all__ = [
    "detector_science_frame_transform",
    "get_subarray_model",
    "is_subarray",
    "ref_matches_sci",
    "science_detector_frame_transform",
]


def is_subarray(model: Any) -> bool:
    """Tell whether an exposure has fewer rows or columns than the detector."""
    whole = full_frame(model.meta.instrument.name or "")
    if whole is None:
        raise InputError(f"found INSTRUME {model.meta.instrument.name!r}, expected an instrument of JWST")
    rows, columns = model.data.shape[-2:]
    return bool(rows < whole.ysize or columns < whole.xsize)


def ref_matches_sci(science: Any, reference: Any) -> bool:
    """Tell whether a reference covers the same pixels as an exposure; never those of superstripes.

    A reference of a full frame may lack the keywords. InputError, ReferenceFileError: others that lack them, or have a
    corner before 1. Where a size is not that of the array, the array counts.
    """
    if getattr(science.meta.subarray, "num_superstripe", None):
        return False
    return _window(science, InputError) == _window(reference, ReferenceFileError)


def get_subarray_model(science: Any, reference: Any) -> Any:
    """Cut a reference to the pixels of an exposure; of a multistripe one, its lines in the order of the array.

    Returns
    -------
    A new model with the arrays that have pixels of the detector, and the metadata of the reference. For superstripes it
    is a ``ReferenceFileModel``, and the first axis of its arrays is the stripe.

    Raises
    ------
    ReferenceFileError
        The reference does not cover the exposure.
    TypeError
        One of them is no model.
    """
    for given in (science, reference):
        if not hasattr(given, "meta"):
            raise TypeError(f"found {type(given).__qualname__}, expected a JWST data model")
    stripes = getattr(science.meta.subarray, "num_superstripe", None)
    wanted = [window_of(science.meta, stripe) for stripe in range(stripes)] if stripes else [window_of(science.meta)]
    covered = _window(reference, ReferenceFileError)
    if outside := [window for window in wanted if not window.inside(covered)]:
        raise ReferenceFileError.at(_name(reference), covered, f"to cover {outside[0]}")
    found = _new_model(reference, of_stripes=bool(stripes))
    for name, values in reference.instance.items():
        if getattr(values, "shape", ())[-2:] == (covered.ysize, covered.xsize):
            parts = [_part(values, window, covered) for window in wanted]
            setattr(found, name, np.stack(parts) if stripes else parts[0].copy())
    return found


def science_detector_frame_transform(data: np.ndarray, fastaxis: int, slowaxis: int) -> np.ndarray:
    """Turn an array (…, row, column) from the science frame to that of the detector, where fast pixels are a row.

    The axes are FASTAXIS and SLOWAXIS: ±1 along columns, ±2 along rows; the sign is that of the direction.
    """
    turned = data if abs(fastaxis) == 1 else np.swapaxes(data, -2, -1)
    return turned[..., :: _sign(slowaxis), :: _sign(fastaxis)]


def detector_science_frame_transform(data: np.ndarray, fastaxis: int, slowaxis: int) -> np.ndarray:
    """Turn an array (…, row, column) back from the frame of the detector to that of science."""
    turned = data[..., :: _sign(slowaxis), :: _sign(fastaxis)]
    return turned if abs(fastaxis) == 1 else np.swapaxes(turned, -2, -1)


def _new_model(reference: Any, *, of_stripes: bool) -> Any:
    """A model with the metadata of a reference; for stripes one of a class whose arrays may have another axis."""
    from stdatamodels.jwst.datamodels import ReferenceFileModel

    found = ReferenceFileModel() if of_stripes else type(reference)()
    found.update(reference)
    return found


def _part(values: np.ndarray, window: Window, covered: Window) -> np.ndarray:
    rows, columns = window.slices_in(covered)
    rectangle: np.ndarray = values[..., rows, columns]
    return window.arrange(rectangle) if isinstance(window, StripedWindow) else rectangle


def _sign(axis: int) -> int:
    return -1 if axis < 0 else 1


def _window(model: Any, error: type[Exception]) -> Window:
    """The pixels that a model covers, by its keywords, and by its array where a size differs."""
    subarray, (rows, columns) = model.meta.subarray, _primary(model).shape[-2:]
    keywords = (subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize)
    whole = full_frame(model.meta.instrument.name or "")
    if None in keywords and whole and (whole.ysize, whole.xsize) == (rows, columns):
        return whole
    if None in keywords or min(keywords[:2]) < 1:
        corner = f"SUBSTRT1={subarray.xstart}, SUBSTRT2={subarray.ystart}"
        raise error(f"{_name(model)}: found {corner}, expected the corner and the size of a subarray, from 1 on")
    interleaved = (subarray.ysize, rows) == (2048, 3200)
    return Window(subarray.xstart, subarray.ystart, columns, subarray.ysize if interleaved else rows)


def _primary(model: Any) -> Any:
    return getattr(model, model.get_primary_array_name())


def _name(model: Any) -> str:
    return model.meta.filename or f"open {type(model).__name__}"
