"""Whole pipelines."""

from gpipe.imports import collector_at_rest

with collector_at_rest():
    from gpipe.pipeline.dark import DarkPipeline
    from gpipe.pipeline.detector1 import Detector1Pipeline

__all__ = ["DarkPipeline", "Detector1Pipeline"]


def __getattr__(name: str) -> object:
    from gpipe.pipeline.catalog import OTHER_PIPELINES

    if name.endswith("Pipeline") and name in OTHER_PIPELINES.values():
        raise ImportError(f"gpipe calibrates stage 1 only; its products are ready for jwst.pipeline.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
