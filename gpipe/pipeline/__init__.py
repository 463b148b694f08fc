"""Whole pipelines."""

from gpipe.imports import collector_at_rest, missing_name

with collector_at_rest():
    from gpipe.pipeline.dark import DarkPipeline
    from gpipe.pipeline.detector1 import Detector1Pipeline
    from gpipe.pipeline.image2 import Image2Pipeline

__all__ = ["DarkPipeline", "Detector1Pipeline", "Image2Pipeline"]


def __getattr__(name: str) -> object:
    raise missing_name(__name__, name, __all__)
