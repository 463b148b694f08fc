"""The module that scripts written for jwst import ``Detector1Pipeline`` from."""

from gpipe.pipeline.detector1 import Detector1Pipeline

__all__ = ["Detector1Pipeline"]
