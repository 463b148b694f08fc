"""Record of a run: the status of each step in the metadata, and products in files."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpipe.controller.declaration.companions import NO_COMPANIONS, Companions
from gpipe.controller.declaration.results import References, SideProduct, Skip
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.products import provenance
from gpipe.controller.products.background_writer import background_writing
from gpipe.controller.products.identity import Identity, mark
from gpipe.controller.products.naming import OutputSettings
from gpipe.controller.products.saving import Saver
from gpipe.controller.references.absent import absent_references, skip_without
from gpipe.controller.references.resolution import Resolution
from gpipe.controller.reporting import events
from gpipe.datamodels import Exposure, Header, to_model
from gpipe.datamodels.exposures.composite import is_of
from gpipe.exceptions import OutputError

log = logging.getLogger(__name__)

COMPLETE, SKIPPED = "COMPLETE", "SKIPPED"


class RunRecord:
    """The record of one run.

    Parameters
    ----------
    top : the step or pipeline that is called.
    saver : writes its products.
    resolution : the references of its steps.
    records : lines of the log so far; they grow.
    companions : files that go with the exposure; steps may change them.
    inner : True for the standard work that a subclass asks for in its own ``process``: the run around it has the hooks
        and the product of the whole.
    """

    def __init__(
        self,
        top: StepBase,
        saver: Saver,
        resolution: Resolution,
        records: Sequence[str],
        companions: Companions = NO_COMPANIONS,
        *,
        inner: bool = False,
    ) -> None:
        self.top, self._saver, self._resolution, self._records = top, saver, resolution, records
        self.companions, self.inner = companions, inner
        self.identity: Identity | None = None
        self._given: dict[str, Companions] = {}
        self._started: set[str] = set()

    def opened(self, resolution: Resolution, records: Sequence[str]) -> "RunRecord":
        """This record with the references that were found, and the log that has begun."""
        return RunRecord(self.top, self._saver, resolution, records, self.companions, inner=self.inner)

    def log_context(self) -> None:
        """Say which references were chosen by CRDS."""
        if self._resolution.context:
            log.info("Results used CRDS context %s", self._resolution.context)

    def references(self, step: StepBase) -> References:
        """The references of a step that runs."""
        return self._resolution.steps[step.name]

    def with_companions(self, step: StepBase) -> dict[str, Any]:
        """Return the keyword of a step that declares companions; the same if the step begins once more."""
        if not step.companions:
            return {}
        self.companions = self._given.setdefault(step.name, self.companions)
        return {"companions": self.companions.only(step.companions)}

    def change_companions(self, changed: Mapping[str, Sequence[Any]]) -> None:
        """Hand companions that a step changed to the steps after it."""
        self.companions = self.companions.changed(changed)

    def skips(self, step: StepBase) -> bool:
        """True where a parameter says so. A step that is called by itself is skipped only if the user said so."""
        if not step.skip or step.substeps():
            return False
        if step is not self.top or step.parent is not None:
            return True
        return step.origin("skip").by_user and not self.inner

    def processes(self, step: StepBase) -> bool:
        """True where a step works with a ``process`` of its own."""
        return step.has_own_process() and not (self.inner and step is self.top)

    def runs(self, step: StepBase) -> bool:
        """True where a step is neither skipped nor without a reference that it needs."""
        return not self.skips(step) and not absent_references(step, self.references(step))

    def saves(self, step: StepBase) -> bool:
        """True where the results of a step of a pipeline are asked for."""
        if step is self.top or self.skips(step):
            return False
        return output_levels(step)[0].saves or self.top.asks_for_result(step.name)

    def is_unwanted(self, step: StepBase) -> bool:
        """True where a step makes a product of its own that nobody gets."""
        hooked = step.pre_hooks or step.post_hooks
        return self.top.makes_own_product(step.name) and not (hooked or self.saves(step))

    def claim_names(self, steps: Iterable[StepBase], header: Header) -> None:
        """Claim the names of products, as far as they are known before work. OutputError as `Saver.save`."""
        makers: dict[Path, str] = {}
        for step in steps:
            for path, levels, _ in self._expected(step, header):
                if path in makers:
                    both = " and ".join(dict.fromkeys((makers[path], step.label)))
                    raise OutputError(
                        f"{path}: found as the name of two products, of {both}; expected two names (suffix)"
                    )
                makers[path] = step.label
                self._saver.claim(path, levels)

    def expected_files(self, step: StepBase, header: Header) -> Iterator[tuple[Path, str | None]]:
        """Yield the names of the products of a step, with their suffixes; None for that of the step.

        A name that nobody knows before has a star in it.
        """
        yield from ((path, suffix) for path, _, suffix in self._expected(step, header))

    def _expected(self, step: StepBase, header: Header) -> Iterator[tuple[Path, list[OutputSettings], str | None]]:
        levels, of_top = output_levels(step), output_levels(self.top)
        names: list[tuple[list[OutputSettings], dict[str, Any]]] = []
        if suffix := self.top.suffix_before(step.name):
            names.append((of_top, {"suffix": suffix}))
        if not self.skips(step):
            suffixes = self.top.suffixes(header.shape, None if step is self.top else step.name)
            is_saved = levels[0].saves if step is self.top else self.saves(step)
            names += [(levels, {"suffix": suffix}) for suffix in suffixes if is_saved]
            names += [(levels, {"output_file": name}) for name in step.named_files()]
            if step.has_side_products and not step.substeps():  # those of a pipeline are all known by name
                names.append((levels, {"suffix": f"{step.name}_*"}))
        for found, name in names:
            path = self._saver.path(found, default_suffix=step.name, model_name=header.meta.filename, **name)
            yield path, found, name.get("suffix")

    def warn_of_predecessors(self, step: StepBase, meta: Any) -> None:
        """Log which steps should have had their turn before this one, or in an earlier run, and had not."""
        missing = [
            place
            for place in step.predecessors(meta)
            if place not in self._started and getattr(meta.cal_step, place, None) is None
        ]
        if missing:
            they = "they" if len(missing) > 1 else "it"
            log.warning("Step %s expects that %s ran before it; %s did not", step.name, " and ".join(missing), they)

    def begun(self, step: StepBase) -> None:
        """Take note that a step has had its turn; no later one misses it, also where a parameter skips it."""
        self._started.add(step.cal_step)

    def refuse(self, step: StepBase, kind: type, meta: Any) -> None:
        """Skip a step that is not for an instrument or a kind of exposure, or lacks a reference."""
        goes_by_piece = step.by_piece and step.makes is None
        accepted = step.expected() if self.processes(step) else step.kinds()
        if not (is_of(kind, accepted) if goes_by_piece else issubclass(kind, accepted)):
            kinds = " or ".join(one.__name__ for one in accepted)
            raise Skip(f"found a {kind.__name__}, expected a {kinds}", logging.INFO)
        if not step.is_for(meta):
            raise Skip(f"found INSTRUME {meta.instrument.name}, expected {' or '.join(step.instruments)}")
        skip_without(step, self.references(step))

    def add_step(self, step: StepBase, products: Iterable[Any], status: str) -> None:
        """Say in the metadata what the step did, and with what."""
        names = {} if self.skips(step) else self.references(step).names
        asked = {"context": self._resolution.context, "crds_version": self._resolution.crds_version}
        for product in products:
            if not hasattr(product.meta, "cal_step"):
                continue  # a reference file that a step made
            if not step.substeps():
                setattr(product.meta.cal_step, step.cal_step, self.status_in(product.meta, step, status))
            provenance.record(product.meta, names, **(asked if names else {}))

    def status_in(self, meta: Any, step: StepBase, status: str) -> str:
        """Return the status of a step in a product: where it worked with its own ``process``, as that has set it."""
        if status != COMPLETE or step.substeps() or not self.processes(step):
            return status
        return getattr(getattr(meta, "cal_step", None), step.cal_step, None) or status

    def model(self, product: Any) -> Any:
        """A product as a model, with its identity; that of an exposure has the log of the run so far."""
        model = self._with_log(product) if isinstance(product, Exposure) else product
        mark(model, self.identity.keywords() if self.identity else {})
        return model

    def _with_log(self, product: Exposure) -> Any:
        model = to_model(product)
        alias = (self.top.parent or self.top).alias
        if alias:
            model.instance.setdefault("cal_logs", {})[alias] = list(self._records)
        return model

    def save(self, step: StepBase, results: Sequence[Any], models: Sequence[Any] | None = None) -> None:
        """Write the results of a step, or of the whole; ``models`` are those of the results, if they were made.

        Results that have the same suffix have their index in the name.
        """
        suffixes = [self.top.suffix_of(result, None if step is self.top else step.name) for result in results]
        with self._telling():
            for index, (result, suffix) in enumerate(zip(results, suffixes, strict=True)):
                model = self.model(models[index] if models else result)
                self._saver.save(
                    model,
                    output_levels(step),
                    default_suffix=step.name,
                    suffix=suffix,
                    index=index if suffixes.count(suffix) > 1 else None,
                )
                if result is not model:
                    result.meta.filename = model.meta.filename

    def save_side_product(self, step: StepBase, product: SideProduct) -> None:
        """Write a file that a parameter asked for."""
        own, *outer = output_levels(step)
        with self._telling():
            self._saver.save(
                self.model(product.model),
                [replace(own, output_ext=product.output_ext or own.output_ext), *outer],
                default_suffix=step.name,
                suffix=product.suffix,
                output_file=product.output_file,
            )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Log the files that are written within the block, each while the next one is made ready."""
        before = len(self._saver.written)
        with background_writing() as are_there:
            yield
        for path in self._saver.written[before:]:
            log.info("Saved %s" if are_there else "%s is being written", path)
            events.emit(events.ProductSaved(path))


def output_levels(step: StepBase | None) -> list[OutputSettings]:
    """Output settings of a step, then of the pipeline that it belongs to."""
    levels = []
    while step is not None:
        levels.append(OutputSettings.of(step))
        step = step.parent
    return levels
