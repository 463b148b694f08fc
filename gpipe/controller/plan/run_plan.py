"""Preview of a run before it does anything: sections, chunks, transfers, memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from math import prod
from typing import Any

from gpipe.backends import Backend
from gpipe.controller.plan import threads
from gpipe.controller.plan.chunk_size import chunk_length, section_size
from gpipe.controller.plan.facts import ExposureFacts, Fewer, PlannedProduct, PlannedReference, PlannedStep
from gpipe.controller.plan.memory import (
    AT_WORK,
    FITTED,
    PLANES,
    PROCESS,
    RATE_AT_WORK,
    Limits,
    format_both,
    format_bytes,
    is_ramp,
    rate_bytes,
    workspace_of,
)
from gpipe.controller.plan.sections import Section, cuttable
from gpipe.datamodels import Header, Outline, Ramp
from gpipe.datamodels.exposures.chunks import Chunk, chunks_of
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.exceptions import ParameterError

UNKNOWN = ExposureFacts()


@dataclass(frozen=True)
class PlannedSection:
    """A section and how it will be worked through.

    Attributes
    ----------
    shape : of the exposure that comes to it.
    length : rows or integrations of a chunk.
    threads : chunks at work at the same time.
    stored, at_work : bytes of the arrays that are kept, and of those of the chunks at work.
    halo : rows around a chunk that come along.
    budget : bytes that the chunks may take; None for no limit.
    """

    section: Section
    shape: tuple[int, ...]
    length: int
    threads: int
    stored: int
    at_work: int
    halo: int = 0
    budget: int | None = None

    @property
    def chunks(self) -> list[Chunk]:
        """The chunks, in order; they cover the exposure."""
        return chunks_of(self.total, self.length, halo=self.halo, by_rows=self.section.by_rows)

    @property
    def total(self) -> int:
        """Rows, or integrations, of the exposure."""
        return self.shape[-2 if self.section.by_rows else 0]

    @property
    def count(self) -> int:
        """Number of chunks."""
        return -(-self.total // self.length)

    @property
    def hands_over(self) -> bool:
        """True where only the next section needs the result, and its data were put together of several chunks."""
        section = self.section
        return section.is_cut and not section.needed_whole and "data" in section.changes and self.count > 1

    def as_dict(self) -> dict[str, Any]:
        """Return the names of the steps, the number of chunks and threads, and bytes."""
        sizes = {name: getattr(self, name) for name in ("threads", "stored", "at_work")}
        return {"steps": [step.name for step in self.section.steps], "chunks": self.count, **sizes}

    def __str__(self) -> str:
        names = ", ".join(step.name for step in self.section.steps)
        if not self.section.is_cut:
            return f"{names}: the whole exposure, {format_bytes(self.stored + self.at_work)}"
        unit = "rows" if self.section.by_rows else "integrations"
        more = f" (and {self.halo} around them)" if self.halo else ""
        more += ", after a preview of some pixels," if self.section.previewed else ""
        return (
            f"{names}: {self.count} chunks of {self.length} {unit}{more} on {self.threads} threads, "
            f"{format_bytes(self.stored)} kept and {format_bytes(self.at_work)} at work"
        )


@dataclass(frozen=True)
class RunPlan:
    """Plan of how an exposure will be calibrated; as text, a line for each section.

    Attributes
    ----------
    name, shape : of the exposure.
    backend : name of the backend that steps work on.
    storage : where the exposure is kept between sections.
    sections : in order.
    to_device, to_host : bytes of the exposure that cross the bus.
    in_memory : bytes of arrays in host memory before the run: those of an ASDF file, which is read whole.
    pipeline : alias of the pipeline or step.
    exposure : what the header says of it.
    steps, products, references : in order.
    fewer : a limit of memory that would do, where it is much less than the run takes.
    """

    name: str
    shape: tuple[int, ...]
    backend: str
    storage: Storage
    sections: tuple[PlannedSection, ...]
    to_device: int
    to_host: int
    in_memory: int = 0
    pipeline: str = ""
    exposure: ExposureFacts = UNKNOWN
    steps: tuple[PlannedStep, ...] = ()
    products: tuple[PlannedProduct, ...] = ()
    references: tuple[PlannedReference, ...] = ()
    fewer: Fewer | None = None

    @property
    def threads(self) -> int:
        """The most chunks that are at work at the same time."""
        return max(planned.threads for planned in self.sections)

    @property
    def place(self) -> str:
        """Say where the exposure is kept between sections."""
        return "in memory" if (self.backend, self.storage) == ("numpy", Storage.DEVICE) else self.storage.value

    @property
    def arrays(self) -> int:
        """Predicted bytes of the arrays of the run at their most, where the exposure is kept."""
        before = self.in_memory if self.backend == "numpy" else 0
        return before + max(planned.stored + planned.at_work for planned in self.sections)

    @property
    def peak(self) -> int:
        """Predicted bytes of the process at its most, if this is its first run; on a device, of the arrays there."""
        return self.arrays + (PROCESS if self.backend == "numpy" else 0)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as ``gpipe plan --json`` prints it: values of JSON, dates and paths."""
        plain = {name: value for name, value in vars(self).items() if name not in ("sections", "storage", "fewer")}
        facts = {name: [vars(one) for one in plain[name]] for name in ("steps", "products", "references")}
        return {
            **plain,
            **facts,
            "exposure": vars(self.exposure),
            "sections": [section.as_dict() for section in self.sections],
            "storage": self.storage.value,
            "threads": self.threads,
            "peak": self.peak,
            "fewer": self.fewer and vars(self.fewer),
        }

    def __repr__(self) -> str:
        shape, count = " x ".join(map(str, self.shape)), len(self.sections)
        return f"RunPlan({self.name}, {shape}, {count} sections on {self.backend}, up to {format_bytes(self.arrays)})"

    def _repr_html_(self) -> str:
        """Make a list of the sections for notebooks."""
        first, *lines = str(self).splitlines()
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        return f"<div>{escape(first)}<ul>{items}</ul></div>"

    def __str__(self) -> str:
        shape = " x ".join(str(size) for size in self.shape)
        lines = [f"{self.name}: {shape} on {self.backend}, kept {self.place} between sections"]
        lines += [f"{number}. {planned}" for number, planned in enumerate(self.sections, 1)]
        if self.backend != "numpy":
            lines.append(f"{format_bytes(self.to_device)} to the device, {format_bytes(self.to_host)} to the host")
        process = f", the process {format_bytes(self.peak)}" if self.backend == "numpy" else ""
        return "\n".join([*lines, f"arrays take up to {format_bytes(self.arrays)}{process}"])


def make_plan(header: Header, sections: Sequence[Section], backend: Backend, limits: Limits) -> RunPlan:
    """Decide where the exposure is kept and how it is cut.

    Raises
    ------
    ParameterError
        A section cannot keep within the limits.
    """
    on_host = backend.name == "numpy"
    budget = _budget(header, backend, limits)
    kept = _kept(header, sections)
    most = max(each.ramps + each.rates for each in kept)
    storage = Storage.DEVICE
    if budget is not None and most > budget // 2:
        storage = Storage.HOST
        if on_host or (limits.host is not None and most > limits.host):
            storage = Storage.DISK
        _refuse_whole(header, sections, kept, budget)
    planned: list[PlannedSection] = []
    for section, bytes_kept in zip(sections, kept, strict=True):
        if planned and planned[-1].hands_over and section.overwrites(header.meta):
            bytes_kept = bytes_kept.overwritten
        planned.append(_planned(header, section, bytes_kept, backend, budget, storage))
    crossings = 1 if storage is Storage.DEVICE else sum(section.is_cut for section in sections)
    size = header.nbytes if header.kind is Ramp else 0
    return RunPlan(
        name=header.name,
        shape=header.shape,
        backend=backend.name,
        storage=storage,
        sections=tuple(planned),
        to_device=0 if on_host else crossings * size,
        to_host=0 if on_host else (crossings - 1) * size + kept[-1].rates,
        in_memory=header.in_memory,
    )


def _budget(header: Header, backend: Backend, limits: Limits) -> int | None:
    """Bytes for the arrays of a run, beside those that its file takes on the host."""
    before, budget = header.in_memory, limits.budget(backend)
    if limits.host is not None and before >= limits.host:
        found, expected = format_both(limits.host, before)
        raise ParameterError(
            f"max_memory: found {found}; expected more than {expected}, because {header.name} is an ASDF file, "
            "which is read whole"
        )
    return budget - before if budget is not None and backend.name == "numpy" else budget


@dataclass(frozen=True)
class _Kept:
    """Bytes of ramps and of rates while a section works: what goes in and what comes out.

    ``copies`` are those of the ramps that come out beside those that go in.
    """

    ramps: int
    rates: int
    copies: int = 0

    @property
    def overwritten(self) -> "_Kept":
        """What is kept if ramps come out in the place of those that go in."""
        return replace(self, ramps=self.ramps - self.copies, copies=0)


def _kept(header: Header, sections: Sequence[Section]) -> list[_Kept]:
    if header.kind is not Ramp:
        return [_Kept(2 * header.nbytes, 0) for _ in sections]
    whole, rates = header.nbytes, rate_bytes(header.shape)
    kept: list[_Kept] = []
    fitted = False
    for before, section in zip([None, *sections], sections, strict=False):
        copies = whole if before and section.changes else 0
        if fitted:
            kept.append(_Kept(0, 2 * rates))
        elif section.ends_ramps:
            kept.append(_Kept(whole if before else 0, rates))
        else:
            kept.append(_Kept(whole + copies, 0, copies))
        fitted = fitted or section.ends_ramps
    return kept


def _refuse_whole(header: Header, sections: Sequence[Section], kept: Sequence[_Kept], budget: int) -> None:
    """Steps on the whole exposure, and on rates, cannot keep within a limit that the exposure does not keep."""
    for section, each in zip(sections, kept, strict=True):
        if each.ramps and section.working and not (section.is_cut and header.kind is Ramp):
            names = ", ".join(step.name for step in section.working)
            found, expected = format_both(budget, 2 * each.ramps)
            raise ParameterError(
                f"max_memory: found {found}; expected {expected} or more, because {names} works on the whole exposure"
            )


def _planned(
    header: Header, section: Section, kept: _Kept, backend: Backend, budget: int | None, storage: Storage
) -> PlannedSection:
    stored = kept.rates + (kept.ramps if storage is Storage.DEVICE else 0)
    if header.kind.in_chunks and section.is_cut:
        left = None if budget is None else budget - stored
        return _in_chunks(section, Outline(header.model, backend, header.shape), left, stored)
    at_work = max((step.workspace(header.shape) for step in section.working), default=0) if kept.ramps else 0
    length = header.shape[-2 if section.by_rows else 0]
    return PlannedSection(section, header.shape, length, 1, stored, at_work)


def suited(planned: PlannedSection, outline: Outline) -> PlannedSection:
    """Return the plan of a section for the exposure that comes to it; a new one if a step changed the shape.

    A step that changes the shape of an exposure works on all of it, which ends its section. Chunks take no more memory
    than planned.
    """
    if planned.shape == outline.shape:
        return planned
    return _in_chunks(planned.section, outline, planned.budget, planned.stored)


def _in_chunks(section: Section, outline: Outline, budget: int | None, stored: int) -> PlannedSection:
    total, one = section_size(outline.shape, section)
    if not cuttable(outline, section):
        at_work = workspace_of(outline.shape) * one * total
        return PlannedSection(section, outline.shape, total, 1, stored, at_work, budget=budget)
    on_host, halo = outline.backend.name == "numpy", section.halo(outline)
    threads = _threads(section, workspace_of(outline.shape) * one * (1 + 2 * halo), budget) if on_host else 1
    length = chunk_length(outline.shape, section, halo=halo, budget=budget, on_host=on_host, threads=threads)
    threads = min(threads, -(-total // length))
    at_once = min(threads * (length + 2 * halo), total + 2 * halo * (-(-total // length) - 1))
    at_work = _at_work(section, outline, one * at_once)
    return PlannedSection(section, outline.shape, length, threads, stored, at_work, halo, budget)


def _at_work(section: Section, outline: Outline, samples: int) -> int:
    """Count bytes of samples in chunks at work. On a device portable functions may need all that limits allow for."""
    shape = outline.shape
    if outline.backend.name != "numpy":
        return workspace_of(shape) * samples
    pixels = samples // prod(shape[0 if section.by_rows else 1 : -2])
    each = RATE_AT_WORK if not is_ramp(shape) else FITTED if section.ends_ramps else AT_WORK
    return each * samples + PLANES * pixels


def _threads(section: Section, least: int, budget: int | None) -> int:
    """As many as asked for, if they have room for a chunk of so many bytes each."""
    asked = threads.of_steps(section.working)
    return asked if budget is None else max(1, min(asked, budget // least))
