"""The module that scripts written for jwst import ``Image2Pipeline`` from."""

from gpipe.pipeline.image2 import Image2Pipeline

__all__ = ["Image2Pipeline"]
