"""JWST calibration on GPUs: uncalibrated ramps in, count rates and calibrated images out.

Pipelines are names of this package, imported when they are first used: ``gpipe.Detector1Pipeline``. ``gpipe.info()``
tells of the installation.
"""

from importlib import import_module as _import_module
from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import version as _version
from typing import Any as _Any

DISTRIBUTION = "gpipe"
"""Name of the distribution. On PyPI another project has it: gpipe is installed from a wheel or a checkout."""

try:
    __version__ = _version(DISTRIBUTION)
except _PackageNotFoundError:  # a frozen program, or a folder on the path: that ends no calibration
    __version__ = "0+unknown"

_LAZY = {
    "DarkPipeline": "gpipe.pipeline",
    "Detector1Pipeline": "gpipe.pipeline",
    "Image2Pipeline": "gpipe.pipeline",
    "info": "gpipe.installation",
    "look": "gpipe.quicklook",
    "run": "gpipe.batch",
}
__all__ = ["DarkPipeline", "Detector1Pipeline", "Image2Pipeline", "info", "look", "run"]


def __getattr__(name: str) -> _Any:
    if name not in _LAZY:
        # No ImportError: whoever looks whether the package has a name relies on this one.
        raise AttributeError(str(_import_module("gpipe.imports").missing_name(__name__, name, _LAZY)))
    return getattr(_import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
