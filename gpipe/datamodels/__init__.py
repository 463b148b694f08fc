"""Exposures in flight, their files, products and references.

Importing this package does not import ``stdatamodels``: that takes a second and happens when the first file is opened.
"""

from gpipe.datamodels.exposures.in_flight import Described, Exposure, Outline
from gpipe.datamodels.exposures.ramp import Ramp, Superstripes
from gpipe.datamodels.exposures.rate import Rate
from gpipe.datamodels.exposures.stripes import window_of
from gpipe.datamodels.exposures.window import Window, full_frame
from gpipe.datamodels.files.products import to_model, with_own_metadata
from gpipe.datamodels.files.reading import Header, crds_parameters, open_exposure, read_header
from gpipe.datamodels.files.writing import prepared, write
from gpipe.datamodels.references.cache import forget_references
from gpipe.datamodels.references.reference import Reference

__all__ = [
    "Described",
    "Exposure",
    "Header",
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
