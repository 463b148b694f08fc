"""One run of a step or pipeline on one exposure. All of its state lives here; nothing of it stays on the steps."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from gpipe import backends
from gpipe.backends import Backend
from gpipe.controller.declaration.blocks import Block
from gpipe.controller.declaration.given import Given
from gpipe.controller.declaration.results import SideProduct
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.inputs import Job
from gpipe.controller.plan.group_plan import GroupPlan
from gpipe.controller.plan.memory import Limits
from gpipe.controller.plan.run_plan import RunPlan, make_plan
from gpipe.controller.plan.sections import Section, in_one_pass, in_sections
from gpipe.controller.products.identity import Identity
from gpipe.controller.references.resolution import Resolution
from gpipe.controller.reporting import events
from gpipe.controller.reporting.records import recorded
from gpipe.controller.run import foresight
from gpipe.controller.run.group_run import GroupRun
from gpipe.controller.run.passes import Summaries
from gpipe.controller.run.preparation import announce, check, check_header_values, resolved, saver_of
from gpipe.controller.run.record import SKIPPED, RunRecord, output_levels
from gpipe.controller.run.section_run import SectionRun, branch
from gpipe.controller.run.step_run import StepRun
from gpipe.controller.run.user_code.hooks import apply_hooks
from gpipe.controller.run.user_code.own_process import Surroundings, surrounded, surroundings_of
from gpipe.datamodels import Exposure, Header, Outline, open_exposure, read_header
from gpipe.datamodels.exposures.chunks import with_separate_arrays
from gpipe.datamodels.exposures.planes import product_only
from gpipe.datamodels.files.reading import moved
from gpipe.datamodels.group_header import GroupHeader
from gpipe.imports import collector_at_rest

log = logging.getLogger(__name__)

Identify = Callable[[StepBase, Sequence[StepBase], Header, RunRecord], Identity | None]


def execute(
    top: StepBase,
    source: Any,
    backend: str | Backend | None = None,
    max_memory: Any = None,
    *,
    job: Job | None = None,
    inner: bool = False,
    identify: Identify | None = None,
) -> Any:
    """Run a step or pipeline whose parameters are settled.

    Whatever can be refused is refused before a pixel is read: the kind of exposure, output folders, references that
    are missing or do not fit, and what the steps cannot do.

    Parameters
    ----------
    top : the step or pipeline that is called.
    source : path, open model, exposure in flight, or the ``Header`` of one of them that has been read already.
    backend : None leaves an exposure in flight where it is, and chooses as ``backends.get`` for everything else.
    max_memory : see ``Limits.of``.
    job : what the source is the science exposure of: companions, and the base of names.
    inner : see `RunRecord`.
    identify : begins the key of the run on an exposure. Where all products have it already no pixel is read.

    Returns
    -------
    What went in decides: an exposure in flight for an exposure in flight, else a ``stdatamodels`` model with NumPy
    arrays; a tuple where a step has several results. None where the products are there already.
    """
    around = surroundings_of(top)
    if around and backend is None:
        backend, max_memory = around.backend, around.max_memory
    with nullcontext(around.records) if around else recorded() as records, events.numbered_by_itself():
        run = _run_of(top, source, backend, max_memory, job, inner=inner, identify=identify)
        if not run.has_process:
            return run.run(records)
        with surrounded(Surroundings(top, run.backend, max_memory, run.saver, records)):
            return run.run(records)


def check_options(backend: str | Backend | None, max_memory: Any) -> None:
    """Refuse a backend that cannot be used, and limits that are none, before a list of exposures is begun."""
    if backend is not None:
        backends.get(backend)
    Limits.of(max_memory)


def foresee(
    top: StepBase, source: Any, backend: str | Backend | None = None, max_memory: Any = None, *, job: Job | None = None
) -> RunPlan | GroupPlan:
    """Plan what ``execute`` would do; no pixel is read."""
    return _run_of(top, source, backend, max_memory, job).plan()


def _run_of(
    top: StepBase,
    source: Any,
    backend: str | Backend | None,
    max_memory: Any,
    job: Job | None = None,
    *,
    inner: bool = False,
    identify: Identify | None = None,
) -> "_Run | GroupRun":
    """Choose the run for an exposure, or for a group."""
    kinds = top.kinds() if inner else top.expected()
    header, limits = read_header(source, expects=kinds), Limits.of(max_memory)
    job = job or Job(header, kinds)
    if isinstance(header, GroupHeader):
        return GroupRun(top, header, backend, limits, job, execute)
    return _Run(top, header, backend, limits, job, inner=inner, identify=identify)


class _Run:
    """State of a run beside the parameters of its steps."""

    def __init__(
        self,
        top: StepBase,
        header: Header,
        backend: str | Backend | None,
        limits: Limits,
        job: Job,
        *,
        inner: bool = False,
        identify: Identify | None = None,
    ) -> None:
        self._identify = identify
        self.top, self.header, self.limits = top, header, limits
        self.origin = header.source if isinstance(header.source, Exposure) else None
        chosen = self.origin.backend if backend is None and self.origin else backends.get(backend)
        self.backend = chosen.suited_to(keeps_planes=limits.keeps_planes)
        self.backend.warm_up()
        around = surroundings_of(top)
        self.saver = around.saver.another() if around else saver_of(job, header)
        self.record = RunRecord(top, self.saver, Resolution(), (), job.companions, inner=inner)
        self.has_process = self.record.processes(top)
        given = Given.of(header, job.companions)
        self.steps = (top,) if self.has_process else top.sequence(header.meta, given)

    @property
    def branches(self) -> list[StepBase]:
        """The steps that make products of their own of the result."""
        return [step for step in self.steps if self.top.makes_own_product(step.name)]

    def plan(self) -> RunPlan:
        """Plan how the exposure will be cut, and what that takes."""
        record = self.record = self.record.opened(resolved(self.steps, self.header, self.record), ())
        plan, header = self._plan(self.limits), self.header
        return replace(
            plan,
            pipeline=self.top.name,
            exposure=foresight.exposure_facts(header),
            steps=foresight.planned_steps(self.steps, Outline(header.model, self.backend, header.shape), record),
            products=foresight.planned_products(self.top, self.steps, header, record),
            references=foresight.planned_references(self.steps, record),
            fewer=foresight.fewer(plan, lambda limit: self._plan(Limits(host=limit))),
        )

    def _plan(self, limits: Limits) -> RunPlan:
        sections = self._sections()
        if not self._shows_ramps(sections):
            left_out = (*self.header.left_out, *product_only(self.header.kind.planes))
            self.header = replace(self.header, left_out=left_out)
        plan = make_plan(self.header, in_one_pass(sections), self.backend, limits)
        if any(planned.section.previewed and planned.count == 1 for planned in plan.sections):
            return make_plan(self.header, sections, self.backend, limits)
        return plan

    def run(self, records: Sequence[str]) -> Any:
        """Refuse or do the work."""
        announce(self.top, self.steps, self.record)
        self.record.claim_names(dict.fromkeys((self.top, *self.steps)), self.header)
        with collector_at_rest():
            self.record = self.record.opened(resolved(self.steps, self.header, self.record), records)
            check([(self.steps, self.header.meta, self.record)])
            if self._is_done():
                return None
            check_header_values(self.top, self.steps, self.header, self.record)
            plan = self._plan(self.limits)
        exposures = self._through_all(plan)
        wanted = self._branches_of(exposures)
        origin = exposures[0] if wanted else None
        result = self._finish(exposures)
        for step in wanted:
            branch(StepRun(step, self.record, execute), origin)
        return result

    def _branches_of(self, exposures: Sequence[Any]) -> list[StepBase]:
        """The steps that make products of their own now; a result has the status of those that do not."""
        left_out = [
            step
            for step in self.branches
            if self.record.skips(step) or not self.top.wants_product(step.name, exposures[0].meta)
        ]
        for step in left_out:
            self.record.add_step(step, exposures[:1], SKIPPED)
        return [step for step in self.branches if step not in left_out and not self.record.is_unwanted(step)]

    def _is_done(self) -> bool:
        """Begin the key of the run, and tell whether its products are there and have it."""
        if self._identify is None:
            return False
        identity = self.record.identity = self._identify(self.top, self.steps, self.header, self.record)
        everyone = dict.fromkeys((self.top, *self.steps))
        products = [path for step in everyone for path, _ in self.record.expected_files(step, self.header)]
        if identity is None or not identity.is_in(products):
            return False
        log.info("Found all products, made from the same; nothing is done")
        events.emit(events.DoneBefore(tuple(products)))
        return True

    def _sections(self) -> list[Section]:
        meta = self.header.meta

        def runs(step: StepBase) -> bool:
            applies = self.record.processes(step) or step.applies(meta)
            return self.record.runs(step) and step.is_for(meta) and applies

        def block(step: StepBase) -> Block:
            if not runs(step):
                return Block.PIXELS
            hooked = step.pre_hooks or step.post_hooks
            whole = hooked or self.record.processes(step) or step.works_by_apply()
            return Block.EXPOSURE if whole else step.block(meta)

        return in_sections(
            [step for step in self.steps if step not in self.branches],
            block,
            runs=runs,
            starts=lambda step: self.top.suffix_before(step.name) is not None,
            ends=self.record.saves,
            halos={step.name: step.halo(meta, self.record.references(step)) for step in self.steps if runs(step)},
        )

    def _shows_ramps(self, sections: Sequence[Section]) -> bool:
        """True where anybody but steps sees a ramp."""
        if any(step.pre_hooks or step.post_hooks for step in (self.top, *self.steps)):
            return True
        fitted = next((number for number, section in enumerate(sections) if section.ends_ramps), None)
        return fitted is None or any(section.needed_whole for section in sections[:fitted])

    def _through_all(self, plan: RunPlan) -> list[Any]:
        exposures: list[Any] = []
        hooked = self.top not in self.steps and not self.record.inner  # a step that is a step of the run has its hooks
        if hooked and self.top.pre_hooks:
            exposures = [apply_hooks(self.top, "pre_hooks", self._open(), execute)]
        section_run = SectionRun(self.header, self.record, self.backend, plan.storage, execute)
        events.begin([step for step in self.steps if not self.record.is_unwanted(step)])
        summaries: Summaries = {}
        for planned, following in zip(plan.sections, [*plan.sections[1:], None], strict=True):
            exposures = self._saved_before(planned.section.steps[0], exposures)
            next_section = following.section if following else None
            exposures, summaries = section_run.through(planned, exposures, next_section, summaries)
        if hooked:
            exposures = with_separate_arrays(exposures) if self.top.post_hooks else exposures
            exposures = [apply_hooks(self.top, "post_hooks", exposures.pop(0), execute) for _ in range(len(exposures))]
        return exposures

    def _open(self) -> Any:
        return open_exposure(self.header, self.backend)

    def _saved_before(self, step: StepBase, exposures: list[Any]) -> list[Any]:
        if suffix := self.top.suffix_before(step.name):
            exposures = exposures or [self._open()]
            self.record.save_side_product(self.top, SideProduct(exposures[0], suffix=suffix))
        return exposures

    def _finish(self, exposures: list[Any]) -> Any:
        """Save and return what the run was asked for. What an inner run returns, the run around it saves."""
        saves = output_levels(self.top)[0].saves and not self.record.skips(self.top)
        self.record.log_context()
        returned = len(exposures if self.has_process else self.top.returned(exposures))
        kept = exposures if saves else exposures[:returned]
        if returned > 1:
            kept = with_separate_arrays(kept)
        if self.origin:
            models = [moved(exposure, self.backend) for exposure in kept]
        else:
            models = [self.record.model(exposure) for exposure in kept]
        if saves:
            first = returned if self.record.inner else 0
            self.record.save(self.top, kept[first:], models[first:])
        results = tuple(models[:returned])
        return results[0] if len(results) == 1 else results
