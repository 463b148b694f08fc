"""Exposures in flight, their files, products and references.

Importing this package does not import ``stdatamodels``: that takes a second and happens when the first file is opened.
"""

from gpipe.datamodels.products import to_model, with_own_metadata
from gpipe.datamodels.ramp import CountRate, InFlight, Outline, Ramp, SuperstripeRamp
from gpipe.datamodels.reading import Header, crds_parameters, open_exposure, read_header
from gpipe.datamodels.reference import Reference
from gpipe.datamodels.reference_cache import forget_references
from gpipe.datamodels.stripes import window_of
from gpipe.datamodels.window import Window, full_frame
from gpipe.datamodels.writing import prepared, write

__all__ = [
    "CountRate",
    "Header",
    "InFlight",
    "Outline",
    "Ramp",
    "Reference",
    "SuperstripeRamp",
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
