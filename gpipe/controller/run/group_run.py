"""One run of a step or pipeline on a group of exposures, whose members live where the plan says."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from gpipe import backends
from gpipe.backends import Backend
from gpipe.controller.declaration.given import Given
from gpipe.controller.declaration.results import SideProduct
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.inputs import Job
from gpipe.controller.plan import threads
from gpipe.controller.plan.group_plan import GroupPlan, plan_group
from gpipe.controller.plan.memory import Limits
from gpipe.controller.products.claims import Owner
from gpipe.controller.products.saving import Saver
from gpipe.controller.references.resolution import Resolution
from gpipe.controller.reporting import events
from gpipe.controller.run.preparation import announce, check, input_name, resolved, saver_of
from gpipe.controller.run.record import RunRecord, output_levels
from gpipe.controller.run.section_run import on_whole, tell_done
from gpipe.controller.run.step_run import StepRun
from gpipe.controller.run.user_code.hooks import RunStep
from gpipe.datamodels import Exposure
from gpipe.datamodels.exposures.groups.group import Group
from gpipe.datamodels.group_header import GroupHeader
from gpipe.datamodels.groups import open_group
from gpipe.exceptions import GpipeError, ParameterError
from gpipe.imports import collector_at_rest

log = logging.getLogger(__name__)


class GroupRecord(RunRecord):
    """Record of a run on a group: what holds of the group is recorded in its members, too.

    Attributes
    ----------
    members : a record for each member, with references of its own.
    """

    members: Sequence[RunRecord] = ()

    def add_step(self, step: StepBase, products: Iterable[Any], status: str) -> None:
        """Record the step in each product, and in the members of a group."""
        for product in products:
            super().add_step(step, [product], status)
            for member, record in self.of_members(product):
                record.add_step(step, [member], status)

    def save(self, step: StepBase, results: Sequence[Any], models: Sequence[Any] | None = None) -> None:
        """Write each result; of a group, its members."""
        super().save(step, [result for result in results if not isinstance(result, Group)], models)
        for group in (result for result in results if isinstance(result, Group)):
            for member, record in self.of_members(group):
                record.save(step, [member.pixels.exposure(group.backend)])

    def of_members(self, product: Any) -> list[tuple[Any, RunRecord]]:
        """Pair the members of a group with their records; another product has none."""
        return list(zip(product.members, self.members, strict=True)) if isinstance(product, Group) else []


class GroupRun:
    """State of a run on a group. A step that accepts the group gets it whole, any other runs on each member.

    Parameters
    ----------
    top : the step or pipeline that is called.
    run_step : runs hooks that are steps.
    """

    has_process = False

    def __init__(
        self,
        top: StepBase,
        header: GroupHeader,
        backend: str | Backend | None,
        limits: Limits,
        job: Job,
        run_step: RunStep,
    ) -> None:
        if top.has_own_process():
            raise ParameterError.at(f"{top.label}.process", "a group of exposures", "one exposure")
        self.top, self.header, self.limits, self._run_step = top, header, limits, run_step
        sources = [member.source for member in header.headers if isinstance(member.source, Exposure)]
        self.in_flight = len(sources) == len(header.headers)
        chosen = sources[0].backend if backend is None and self.in_flight else backends.get(backend)
        self.backend = chosen.suited_to(keeps_planes=limits.keeps_planes)
        self.backend.warm_up()
        self.steps = top.sequence(header.meta, Given.of(header, job.companions))
        self._job, self.saver, self._companions = job, saver_of(job, header), job.companions
        self.record = GroupRecord(top, self.saver, Resolution(), (), self._companions)

    def plan(self) -> GroupPlan:
        """Plan where members live, and how many are in hand."""
        asked = threads.of_steps(self.steps) if self.backend.name == "numpy" else 1
        return plan_group(self.header.headers, self.backend, self.limits, threads=asked)

    def run(self, records: Sequence[str]) -> Any:
        """Refuse or do the work.

        Returns a list of models of the members, or the model of what a step made of them; exposures in flight where
        all members are in flight.
        """
        announce(self.top, self.steps, self.record)
        self._refuse_hooks()
        with collector_at_rest():
            self._open_records(records)
            plan = self.plan()
        exposures: list[Any] = [self._open(plan)]
        events.begin(self.steps)
        for step in self.steps:
            self._save_before(step, exposures)
            exposures = self._through(step, exposures)
        return self._finish(exposures)

    def _open(self, plan: GroupPlan) -> Group:
        header, catalogs = self.header, [one.tweakreg_catalog for one in self.header.members]
        group = open_group(
            header.headers,
            self.backend,
            plan.storage,
            kind=header.kind,  # type: ignore[arg-type]
            model=header.model,
            group_ids=header.group_ids,
            results=[{"tweakreg_catalog": path} if path else {} for path in catalogs],
        )
        return replace(group, threads=plan.threads)

    def _refuse_hooks(self) -> None:
        """Hooks get a model of one exposure, which a group is not."""
        of_group = [step for step in self.steps if issubclass(self.header.kind, step.kinds())]
        for step in {self.top, *of_group}:
            if step.pre_hooks or step.post_hooks:
                raise ParameterError.at(step.label, "hooks", "none on a group of exposures")

    def _open_records(self, records: Sequence[str]) -> None:
        """Find the references of all members, and refuse what steps cannot do with any of them."""
        headers = self.header.headers
        found = [resolved(self.steps, header, self.record) for header in headers]
        self.record = GroupRecord(self.top, self.saver, found[0], records, self._companions)
        self.record.members = [
            RunRecord(self.top, self._saver_of(number), references, records, self._companions)
            for number, references in enumerate(found)
        ]
        of_members = [step for step in self.steps if not issubclass(self.header.kind, step.kinds())]
        for header, record in zip(headers, self.record.members, strict=True):
            record.claim_names(of_members, header)
        check((self.steps, h.meta, one) for h, one in zip(headers, self.record.members, strict=True))

    def _saver_of(self, number: int) -> Saver:
        """Make the saver of a member; ``output_file`` names what is made of the group, and an only member."""
        header, owner = self.header.headers[number], self._job.owner
        return Saver(
            input_name(header),
            uses_output_file=len(self.header.headers) == 1,
            claims=self._job.claims,
            owner=Owner(header.name, (*owner.place, number + 1)),
        )

    def _warn_of_name(self, step: StepBase, exposures: Sequence[Any]) -> None:
        """Say that ``output_file`` does not name products of members."""
        of_members = isinstance(exposures[0], Group) and len(exposures[0].members) > 1
        if of_members and any(level.output_file for level in output_levels(step)):
            log.warning("%s: output_file is not used for members of a group, which keep their names", step.label)

    def _through(self, step: StepBase, exposures: list[Any]) -> list[Any]:
        events.started(step.name)
        started = time.perf_counter()
        run, of_members = StepRun(step, self.record, self._run_step), Counter[str]()
        after: list[Any] = []
        while exposures:
            exposure = exposures.pop(0)
            if isinstance(exposure, Group) and not isinstance(exposure, step.kinds()):
                after.append(exposure.map(self._of_member(step, of_members), self.record.members))
            else:
                after += on_whole(run, exposure)
        if self.record.saves(step):
            self._warn_of_name(step, after)
        status = run.status or getattr(after[0].members[0].meta.cal_step, step.cal_step)
        tell_done(step, started, status, after[0], run.found or of_members, run.skipped)
        return after

    def _of_member(self, step: StepBase, found: Counter[str]) -> Any:
        """Make the function that takes an exposure of a member, and its record, through a step."""

        def one(exposure: Any, record: RunRecord) -> Any:
            run = StepRun(step, record, self._run_step)
            results = on_whole(run, exposure)
            found.update(run.found)
            if len(results) > 1:
                raise GpipeError(f"step {step.name}: found {len(results)} results of a member of a group, expected one")
            return results[0]

        return one

    def _save_before(self, step: StepBase, exposures: Sequence[Any]) -> None:
        if suffix := self.top.suffix_before(step.name):
            for exposure in exposures:
                for product, record in self._products(exposure):
                    record.save_side_product(self.top, SideProduct(product, suffix=suffix))

    def _finish(self, exposures: Sequence[Any]) -> Any:
        """Save and return what the run was asked for."""
        self.record.log_context()
        saves = output_levels(self.top)[0].saves and not self.record.skips(self.top)
        if saves:
            self._warn_of_name(self.top, exposures)
        results = []
        for product, record in (pair for exposure in exposures for pair in self._products(exposure)):
            results.append(product if self.in_flight else record.model(product))
            if saves:
                record.save(self.top, [product], results[-1:])
        return results if len(results) > 1 or isinstance(exposures[0], Group) else results[0]

    def _products(self, exposure: Any) -> Iterator[tuple[Any, RunRecord]]:
        """Read the exposures of a group one by one, each with its record; another exposure is one by itself."""
        if not isinstance(exposure, Group):
            yield exposure, self.record
        for member, record in self.record.of_members(exposure):
            yield member.pixels.exposure(self.backend), record
