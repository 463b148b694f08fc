"""Exposures in flight, their files, products and references.

Importing this package does not import ``stdatamodels``: that takes a second and happens when the first file is opened.
Models (``RampModel``), ``open`` and ``dqflags`` are those of ``stdatamodels``, imported when they are first used.
"""

from importlib import import_module
from typing import Any

from gpipe.datamodels.exposures.image import Image
from gpipe.datamodels.exposures.in_flight import Described, Exposure, Outline
from gpipe.datamodels.exposures.ramp import Ramp, Superstripes
from gpipe.datamodels.exposures.rate import Rate
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import Window, full_frame
from gpipe.datamodels.files.jwst_models import PACKAGE, model_class
from gpipe.datamodels.files.products import to_model, with_own_metadata
from gpipe.datamodels.files.reading import Header, crds_parameters, open_exposure, read_header
from gpipe.datamodels.files.writing import prepared, write
from gpipe.datamodels.references.cache import forget_references
from gpipe.datamodels.references.reference import Reference

__all__ = [
    "Described",
    "Exposure",
    "Header",
    "Image",
    "Outline",
    "Ramp",
    "Rate",
    "Reference",
    "Superstripes",
    "Window",
    "crds_parameters",
    "forget_references",
    "full_frame",
    "open_exposure",
    "prepared",
    "read_header",
    "to_model",
    "window_of",
    "with_own_metadata",
    "write",
]

_OF_JWST = ("ModelContainer", "ModelLibrary", "SourceModelContainer")


def __getattr__(name: str) -> Any:
    if name in _OF_JWST:
        raise ImportError(f"containers are jwst's: from jwst.datamodels import {name}; gpipe takes a list of models")
    if name.endswith("Model"):
        return model_class(name)
    if name == "dqflags":
        return import_module(f"{__name__}.dqflags")
    if name in ("open", "read_metadata"):
        return getattr(import_module(PACKAGE), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
