"""Whole pipelines."""

from gpipe.imports import collector_at_rest

with collector_at_rest():
    from gpipe.pipeline.dark import DarkPipeline
    from gpipe.pipeline.detector1 import Detector1Pipeline

__all__ = ["DarkPipeline", "Detector1Pipeline"]

_OF_JWST = (
    "Ami3Pipeline",
    "Coron3Pipeline",
    "GuiderPipeline",
    "Image2Pipeline",
    "Image3Pipeline",
    "Spec2Pipeline",
    "Spec3Pipeline",
    "Tso3Pipeline",
)


def __getattr__(name: str) -> object:
    if name in _OF_JWST:
        raise ImportError(f"gpipe calibrates stage 1 only; its products are ready for jwst.pipeline.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
