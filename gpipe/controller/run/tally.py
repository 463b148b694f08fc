"""Tallies: what the chunks of an exposure leave of a step beside the exposure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from gpipe.backends import Backend
from gpipe.controller.declaration.results import SideProduct
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Chunk, trim
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.files.reading import moved
from gpipe.exceptions import GpipeError


class Tally:
    """Counts, time and side products of a step, of chunks in any order and from several threads.

    Parameters
    ----------
    name : of the step.
    total : number of chunks.
    assembly : an empty one; it joins side products that are exposures in flight.
    store : the backend that holds these.

    Attributes
    ----------
    counts : sums of what chunks counted.
    seconds : of all threads together.
    """

    def __init__(self, name: str, total: int, assembly: Assembly, store: Backend) -> None:
        self._name, self._total, self._assembly, self._store = name, total, assembly, store
        self.counts: dict[str, Any] = {}
        self.seconds = 0.0
        self._products: list[tuple[SideProduct, ...]] = []
        self._lock = Lock()

    def add(
        self, chunk: Chunk, core: slice, counts: Mapping[str, Any], products: Sequence[SideProduct], seconds: float
    ) -> None:
        """Add a chunk, of which ``core`` are the rows without those around it.

        GpipeError: a side product of one chunk of several is no exposure in flight, or other chunks have none.
        """
        with self._lock:
            self.seconds += seconds
            for name, number in counts.items():
                self.counts[name] = self.counts.get(name, 0) + number
            self._products.append(tuple(replace(product, model=None) for product in products))
        if len(products) != len(self._products[0]):
            raise GpipeError(f"step {self._name}: found side products of some chunks only, expected those of all")
        if products:
            self._assembly.add(chunk, [self._stored(chunk, core, product.model) for product in products])

    @property
    def side_products(self) -> tuple[SideProduct, ...]:
        """The side products of the whole exposure, when all chunks were added."""
        models = self._assembly.whole()
        return tuple(replace(product, model=model) for product, model in zip(self._products[0], models, strict=True))

    def _stored(self, chunk: Chunk, core: slice, model: Any) -> Any:
        if isinstance(model, Exposure):
            return moved(trim(model, core) if chunk.by_rows else model, self._store)
        if self._total > 1:
            raise GpipeError(
                f"step {self._name}: found a {type(model).__name__} as side product of a chunk, expected an exposure "
                "in flight, or a step that works on the whole exposure"
            )
        return model
