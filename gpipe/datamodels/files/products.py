"""From an exposure in flight to a ``stdatamodels`` model, as jwst's steps return it."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.ramp import RAMP_ARRAYS
from gpipe.datamodels.exposures.rate import RATE_ARRAYS, Rate
from gpipe.datamodels.files.jwst_models import model_class

RAMP_MODELS = ("RampModel", "SuperstripeRampModel")
_ALWAYS_IFU = ("NRS_IFU", "MIR_MRS")
_LAMPS = ("NRS_AUTOWAVE", "NRS_LAMP")


def to_model(exposure: Exposure) -> Any:
    """Make the model that holds an exposure, with NumPy arrays.

    Parameters
    ----------
    exposure : `Ramp` becomes a RampModel, `Superstripes` a SuperstripeRampModel; `Rate` an ImageModel
        (IFUImageModel for IFU exposures) when it is (row, column) and a CubeModel, with the table of integration times,
        when it is (integration, row, column).

    Returns
    -------
    A model with its own metadata, ready for ``jwst.pipeline.Image2Pipeline``. On the NumPy backend its arrays are
    those of the exposure, copied only where they belong to the caller's input.

    Notes
    -----
    Metadata follow jwst's ramp_fit: https://jwst-pipeline.readthedocs.io/en/latest/jwst/ramp_fitting/description.html
    """
    from gpipe.datamodels.files.metadata import new_model  # pulls in stdatamodels

    if not isinstance(exposure, Exposure):
        raise TypeError(f"expected a Ramp or a Rate, found {type(exposure).__qualname__}")
    header, rate = exposure.header, isinstance(exposure, Rate)
    if rate and header.instance["meta"]["model_type"] in RAMP_MODELS:
        model = _rate_model(exposure)
    else:
        model = new_model(type(header), copy.deepcopy(dict(header.instance)), checks=True)
    for name in RATE_ARRAYS if rate else RAMP_ARRAYS:
        value = getattr(exposure, name, None)
        if value is not None:
            model.instance[name] = _writable(exposure.backend.to_host(value))
    return model


def with_own_metadata(exposure: Exposure) -> Any:
    """The same arrays beside a copy of the metadata."""
    from gpipe.datamodels.files.metadata import copied

    return replace(exposure, header=copied(exposure.header))


def _rate_model(exposure: Any) -> Any:
    """A model for rates, with what it takes over from a ramp."""
    from gpipe.datamodels.files.metadata import new_model, take_over

    header, kind = exposure.header, _rate_class(exposure.meta, exposure.data.ndim)
    model = new_model(model_class(kind), checks=True)
    take_over(model, header)
    model.instance["meta"] |= {"bunit_data": "DN/s", "bunit_err": "DN/s"}
    if kind == "CubeModel":
        for table in ("int_times", "int_times_stripe"):
            rows = header.instance.get(table)
            if rows is not None and len(rows) > 0:
                model.instance[table] = rows.copy()
    return model


def _rate_class(meta: Any, ndim: int) -> str:
    if ndim == 3:
        return "CubeModel"
    lamp = meta.exposure.type in _LAMPS and meta.instrument.lamp_mode == "IFU"
    return "IFUImageModel" if lamp or meta.exposure.type in _ALWAYS_IFU else "ImageModel"


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
