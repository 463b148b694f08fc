"""From an exposure in flight to a ``stdatamodels`` model, as jwst's steps return it."""

from dataclasses import replace
from typing import Any

import numpy as np

from gpipe.datamodels.exposures.chunks import arrays_of
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.files.jwst_models import model_class


def to_model(exposure: Exposure) -> Any:
    """Make the model that holds an exposure, with NumPy arrays.

    Parameters
    ----------
    exposure : its kind says the class of the model. `Ramp` becomes a RampModel, `Superstripes` a SuperstripeRampModel;
        `Rate` an ImageModel (IFUImageModel for IFU exposures) when it is (row, column) and a CubeModel, with the table
        of integration times, when it is (integration, row, column); so does `Image`.

    Returns
    -------
    A model with its own metadata (but the WCS of the exposure), ready for ``jwst.pipeline.Image2Pipeline``. On the
    NumPy backend its arrays are those of the exposure, copied only where they belong to the caller's input.

    Notes
    -----
    Metadata follow jwst's ramp_fit: https://jwst-pipeline.readthedocs.io/en/latest/jwst/ramp_fitting/description.html
    """
    if not isinstance(exposure, Exposure):
        raise TypeError(f"expected an exposure in flight, found {type(exposure).__qualname__}")
    model = fitting_header(exposure, checks=True)
    arrays = {name: _writable(exposure.backend.to_host(values)) for name, values in arrays_of(exposure)}
    values = {name: getattr(exposure, name) for name in exposure.fields if getattr(exposure, name) is not None}
    model.instance.update(arrays | values)
    return model


def fitting_header(exposure: Exposure, *, checks: bool = False) -> Any:
    """A copy of the metadata in a model of a class that holds the exposure; ``checks`` as of ``new_model``."""
    from gpipe.datamodels.files.metadata import copied  # pulls in stdatamodels

    if exposure.models and not exposure.model_of(type(exposure.header).__name__):
        return _model_of_new_class(exposure, checks=checks)
    return copied(exposure.header, checks=checks)


def with_own_metadata(exposure: Exposure) -> Any:
    """The same arrays beside a copy of the metadata."""
    from gpipe.datamodels.files.metadata import copied

    return replace(exposure, header=copied(exposure.header))


def _model_of_new_class(exposure: Exposure, *, checks: bool) -> Any:
    """A model for a kind that the header's class does not hold, with keywords and tables that both have."""
    from gpipe.datamodels.files.metadata import new_model, take_over

    header = exposure.header
    model = new_model(model_class(exposure.new_model(exposure.meta, exposure.data.ndim)), checks=checks)
    take_over(model, header)
    model.instance["meta"] |= exposure.units
    for table in exposure.tables:
        rows = header.instance.get(table)
        if table in model.schema["properties"] and rows is not None and len(rows) > 0:
            model.instance[table] = rows.copy()
    return model


def _writable(host: np.ndarray) -> np.ndarray:
    return host if host.flags.writeable else host.copy()


def bare_model(values: Any, exposure: Exposure) -> Any:
    """A model of nothing but some values, with the metadata of an exposure.

    Parameters
    ----------
    values : array on the exposure's device; (row, column) makes an ImageModel, (integration, row, column) a CubeModel,
        (integration, group, row, column) a RampModel. They become float32.
    """
    host = np.asarray(exposure.backend.to_host(values), dtype=np.float32)
    kind = {2: "ImageModel", 3: "CubeModel", 4: "RampModel"}[host.ndim]
    model = model_class(kind)(data=host)
    model.update(exposure.header)
    return model
