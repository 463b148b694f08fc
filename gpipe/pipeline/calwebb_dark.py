"""The module that scripts written for jwst import ``DarkPipeline`` from."""

from gpipe.pipeline.dark import DarkPipeline

__all__ = ["DarkPipeline"]
