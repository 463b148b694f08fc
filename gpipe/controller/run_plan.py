"""What a run will do, before it does anything: sections, parts, transfers, memory."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from gpipe import backends
from gpipe.backends import Backend
from gpipe.controller import workers
from gpipe.controller.memory import WORKSPACE, Limits, exposure_bytes, part_length, rate_bytes, said
from gpipe.controller.sections import Section, changed_arrays, cuttable, reach
from gpipe.controller.step import Step
from gpipe.datamodels import Header, InFlight, Outline, Ramp
from gpipe.exceptions import ParameterError

Runs = Callable[[Step], bool]
_EXTRA = ("zeroframe", "refout")


class Storage(Enum):
    """Where an exposure is kept between sections."""

    DEVICE = "on the device"
    HOST = "on the host"
    DISK = "in scratch files"

    def backend(self, place: Backend) -> Backend:
        """The backend that holds the arrays, for steps that work on ``place``."""
        return place if self is Storage.DEVICE else backends.get("numpy")


@dataclass(frozen=True)
class PlannedSection:
    """A section and how it will be worked through.

    Attributes
    ----------
    total, length : rows or integrations of the exposure, and of a part.
    threads : parts at work at the same time.
    stored, parts : bytes of the arrays that are kept, and of those of the parts at work.
    """

    section: Section
    total: int
    length: int
    threads: int
    stored: int
    parts: int

    @property
    def count(self) -> int:
        """Parts."""
        return -(-self.total // self.length)

    def __str__(self) -> str:
        names = ", ".join(step.name for step in self.section.steps)
        if not self.section.is_cut:
            return f"{names}: the whole exposure, {said(self.stored + self.parts)}"
        unit = "rows" if self.section.by_rows else "integrations"
        around = reach(self.section.steps)
        more = f" (and {around} around them)" if self.section.by_rows and around else ""
        return (
            f"{names}: {self.count} parts of {self.length} {unit}{more} on {self.threads} threads, "
            f"{said(self.stored)} kept and {said(self.parts)} at work"
        )


@dataclass(frozen=True)
class RunPlan:
    """How an exposure will be calibrated; as text, a line for each section.

    Attributes
    ----------
    name, shape : of the exposure.
    backend : name of the backend that steps work on.
    storage : where the exposure is kept between sections.
    sections : in order.
    to_device, to_host : bytes of the exposure that cross the bus.
    """

    name: str
    shape: tuple[int, ...]
    backend: str
    storage: Storage
    sections: tuple[PlannedSection, ...]
    to_device: int
    to_host: int

    @property
    def peak(self) -> int:
        """Predicted bytes of the arrays of the run at their most, where the exposure is kept."""
        return max(planned.stored + planned.parts for planned in self.sections)

    def __str__(self) -> str:
        shape = " x ".join(str(size) for size in self.shape)
        lines = [f"{self.name}: {shape} on {self.backend}, kept {self.storage.value} between sections"]
        lines += [f"{number}. {planned}" for number, planned in enumerate(self.sections, 1)]
        if self.backend != "numpy":
            lines.append(f"{said(self.to_device)} to the device, {said(self.to_host)} to the host")
        return "\n".join([*lines, f"arrays take up to {said(self.peak)}"])


def make_plan(
    header: Header, sections: Sequence[Section], place: Backend, limits: Limits, *, runs: Runs, owns_arrays: bool
) -> RunPlan:
    """Decide where the exposure is kept and how it is cut.

    Parameters
    ----------
    runs : whether a step is not skipped.
    owns_arrays : whether arrays between sections may be written to.

    Raises
    ------
    ParameterError
        A section cannot keep within the limits.
    """
    on_host = place.name == "numpy"
    budget = limits.host if on_host else _device_budget(place, limits)
    kept = [_kept(header, section, number, runs, owns_arrays) for number, section in enumerate(sections)]
    storage = Storage.DEVICE
    if budget is not None and max(kept) > budget // 2:
        storage = Storage.HOST
        if on_host or (limits.host is not None and max(kept) > limits.host):
            storage = Storage.DISK
        _refuse_whole(sections, kept, budget, runs)
    planned = [
        _planned(header, section, bytes_kept, place, budget, storage, runs)
        for section, bytes_kept in zip(sections, kept, strict=True)
    ]
    crossings = 1 if storage is Storage.DEVICE else sum(section.is_cut for section in sections)
    size = exposure_bytes(header.shape, _extra(header))
    return RunPlan(
        name=header.name,
        shape=header.shape,
        backend=place.name,
        storage=storage,
        sections=tuple(planned),
        to_device=0 if on_host else crossings * size,
        to_host=0 if on_host else (crossings - 1) * size + rate_bytes(header.shape),
    )


def _device_budget(place: Backend, limits: Limits) -> int:
    free = place.free_bytes()
    return free if limits.device is None else min(free, limits.device)


def _extra(header: Header) -> list[tuple[int, ...]]:
    source = header.source
    if isinstance(source, InFlight):
        found = [getattr(source, name, None) for name in _EXTRA]
        return [tuple(array.shape) for array in found if array is not None]
    return [shape for shape in map(source.shape, _EXTRA) if shape is not None]


def _kept(header: Header, section: Section, number: int, runs: Runs, owns_arrays: bool) -> int:
    """Bytes of the exposure before a section and of what comes out of it."""
    if len(header.shape) != 4:
        return 4 * rate_bytes((1, 1, *header.shape[-2:]))
    whole = exposure_bytes(header.shape, _extra(header))
    before = whole if number else 0
    working = [step for step in section.steps if runs(step)]
    if rates := _rates_made(header, working):
        return before + rates
    overwrites = owns_arrays and number and section.is_cut and not reach(section.steps)
    return before + (whole if changed_arrays(working) and not overwrites else 0) or whole


def _refuse_whole(sections: Sequence[Section], kept: Sequence[int], budget: int, runs: Runs) -> None:
    """Steps on the whole exposure cannot keep within a limit that the exposure does not keep."""
    for section, size in zip(sections, kept, strict=True):
        names = [step.name for step in section.steps if runs(step) and issubclass(Ramp, step.accepts)]
        if names and not section.is_cut:
            raise ParameterError(
                f"max_memory: found {said(budget)}; expected {said(2 * size)} or more, "
                f"because {', '.join(names)} works on the whole exposure"
            )


def _planned(
    header: Header, section: Section, kept: int, place: Backend, budget: int | None, storage: Storage, runs: Runs
) -> PlannedSection:
    on_host, total = place.name == "numpy", header.shape[-2] if section.by_rows else header.shape[0]
    working = [step for step in section.steps if runs(step)]
    stored = kept if storage is Storage.DEVICE else _rates_made(header, working)
    if not _is_cut(header, section, place):
        return PlannedSection(section, total, total, 1, stored, WORKSPACE // 8 * math.prod(header.shape))
    threads = workers.of_steps(working) if on_host else 1
    left = None if budget is None else budget - stored
    length = part_length(header.shape, section, budget=left, on_host=on_host, threads=threads)
    threads = min(threads, -(-total // length))
    around = 2 * reach(section.steps) if section.by_rows else 0
    samples = math.prod(header.shape) // total * min(length + around, total)
    return PlannedSection(section, total, length, threads, stored, WORKSPACE * samples * threads)


def _is_cut(header: Header, section: Section, place: Backend) -> bool:
    if header.kind is not Ramp or not section.is_cut:
        return False
    return not section.by_rows or cuttable(Outline(header.model, place, header.shape))


def _rates_made(header: Header, working: Sequence[Step]) -> int:
    return rate_bytes(header.shape) if any(step.ends_ramps for step in working) else 0
