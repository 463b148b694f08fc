"""Side products of a step, joined from those of its chunks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gpipe.backends import Backend
from gpipe.controller.declaration.results import SideProduct
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Chunk, trim
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.files.reading import moved
from gpipe.exceptions import GpipeError


def without_rows_around(products: Sequence[SideProduct], core: slice) -> tuple[SideProduct, ...]:
    """Side products of a chunk without the rows around it, as far as they are exposures in flight."""
    return tuple(
        replace(product, model=trim(product.model, core)) if isinstance(product.model, Exposure) else product
        for product in products
    )


class SideProducts:
    """The side products of the step of this name, of ``count`` chunks in any order and from several threads.

    Exposures in flight are joined in the assembly. GpipeError: a step makes something else of one chunk of several.
    """

    def __init__(self, name: str, assembly: Assembly, count: int) -> None:
        self._name, self._assembly, self._count = name, assembly, count
        self._found: list[tuple[SideProduct, ...]] = []

    def add(self, chunk: Chunk, products: Sequence[SideProduct], store: Backend) -> None:
        """Add those of a chunk; ``store`` holds the whole."""
        self._found.append(tuple(replace(product, model=None) for product in products))
        if len(products) != len(self._found[0]):
            raise GpipeError(f"step {self._name}: found side products of some chunks only, expected those of all")
        if products:
            self._assembly.add(chunk, [self._stored(product.model, store) for product in products])

    def joined(self) -> tuple[SideProduct, ...]:
        """Those of the whole exposure, when all chunks were added."""
        models = self._assembly.whole()
        return tuple(replace(product, model=model) for product, model in zip(self._found[0], models, strict=True))

    def _stored(self, model: Any, store: Backend) -> Any:
        if isinstance(model, Exposure):
            return moved(model, store)
        if self._count > 1:
            raise GpipeError(
                f"step {self._name}: found a {type(model).__name__} as side product of a chunk, expected an exposure "
                "in flight, or a step that works on the whole exposure"
            )
        return model
