"""JWST detector calibration on GPUs: uncalibrated ramps in, count-rate images out."""

from importlib.metadata import version as _version

__version__ = _version("gpipe")
