"""The classes of ``stdatamodels.jwst.datamodels``, without importing all hundred of them for one.

The package gathers every model, also those of the WCS, which import ``astropy.modeling`` and with it most of astropy
and ``scipy``. A product of the detector pipelines needs the module of its own model only.
"""

from contextlib import AbstractContextManager, suppress
from importlib import import_module
from typing import Any

from gpipe.imports import deferred

PACKAGE = "stdatamodels.jwst.datamodels"
MODULES = {
    "RampModel": "ramp",
    "SuperstripeRampModel": "ramp",
    "ImageModel": "image",
    "IFUImageModel": "ifuimage",
    "CubeModel": "cube",
    "ReferenceFileModel": "reference",
    "JwstDataModel": "model_base",
}
"""The module of each model that an exposure can be, and of references in ASDF."""


def modules_alone() -> AbstractContextManager[None]:
    """Within the block modules of the package are imported without it; JWST's flags need one function of the other."""
    return deferred(PACKAGE, "astropy.nddata")


def model_class(name: str) -> Any:
    """A class of ``stdatamodels.jwst.datamodels`` by its name."""
    with modules_alone(), suppress(KeyError, ImportError, AttributeError):
        return getattr(import_module(f"{PACKAGE}.{MODULES[name]}"), name)
    return getattr(import_module(PACKAGE), name)
