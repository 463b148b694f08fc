"""Which steps of a run are done together on each part of an exposure, before the next part is looked at."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpipe.arrays import interleaved
from gpipe.controller.declaration.blocks import Block
from gpipe.controller.declaration.step_base import StepBase
from gpipe.datamodels.exposures.window import StripedWindow


@dataclass(frozen=True)
class Section:
    """Consecutive steps that share the parts of an exposure.

    Attributes
    ----------
    steps : in order, those that are skipped included.
    working : those that are not.
    block : how the exposure may be cut.
    seen : whether somebody looks at what comes of it before the next section does.
    ahead : how many of the steps only look at pixels one by one, or at those around them, and are tried on a few
        pixels for what later steps of the section must know of the whole; 0 where none must know anything.
    """

    steps: tuple[StepBase, ...]
    working: tuple[StepBase, ...]
    block: Block
    seen: bool = False
    ahead: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether it works on parts."""
        return self.block != Block.EXPOSURE

    @property
    def by_rows(self) -> bool:
        """Whether parts are rows, where it works on parts; rows are preferred, as they may be few."""
        return Block.ROWS in self.block

    def reach(self, outline: Any) -> int:
        """Rows around a part of such an exposure that its steps look at, one after the other."""
        return sum(rows_around(step, outline) for step in self.working) if self.by_rows else 0

    @property
    def ends_ramps(self) -> bool:
        """Whether rates come out of it."""
        return any(step.ends_ramps for step in self.working)

    @property
    def changes(self) -> set[str]:
        """Names of the arrays that some step may change."""
        return {name.partition(":")[0] for step in self.working for name in step.changes}


def in_sections(
    steps: Sequence[StepBase],
    block: Callable[[StepBase], Block],
    *,
    runs: Callable[[StepBase], bool],
    starts: Callable[[StepBase], bool],
    ends: Callable[[StepBase], bool],
) -> list[Section]:
    """Group steps into as few sections as their blocks allow.

    Parameters
    ----------
    block : of a step on the exposure of this run; PIXELS for one that is skipped.
    runs : whether a step is not skipped.
    starts, ends : whether the whole exposure is needed before, or after, a step.
    """
    found: list[Section] = []
    changed: set[str] = set()
    closed = True
    for step in steps:
        own = block(step)
        shared = own & found[-1].block if found else Block.EXPOSURE
        working = (step,) if runs(step) else ()
        if closed or shared == Block.EXPOSURE or starts(step) or overlap(changed, step.surveys if working else ()):
            if found and starts(step):
                found[-1] = replace(found[-1], seen=True)
            found.append(Section((step,), working, own))
            changed = set()
        else:
            found[-1] = Section((*found[-1].steps, step), (*found[-1].working, *working), shared)
        if ends(step):
            found[-1] = replace(found[-1], seen=True)
        changed |= {name for each in working for name in each.changes}
        closed = ends(step) or any(each.ends_ramps for each in working)
    return found


def in_one_pass(sections: Sequence[Section]) -> list[Section]:
    """The sections with neighbours made one where a glance can stand for the storage between them."""
    made: list[Section] = []
    for section in sections:
        if made and not made[-1].ahead and _can_look_ahead(made[-1], section):
            made[-1] = _joined(made[-1], section)
        else:
            made.append(section)
    return made


def _can_look_ahead(before: Section, section: Section) -> bool:
    surveying = [step for step in section.working if step.surveys]
    known = bool(surveying) and all(step.glance for step in surveying) and bool(before.working)
    in_rows = before.by_rows and section.by_rows and not before.seen and not before.ends_ramps
    return known and in_rows and Block.COLUMNS in before.block


def _joined(before: Section, section: Section) -> Section:
    steps, working = (*before.steps, *section.steps), (*before.working, *section.working)
    return replace(section, steps=steps, working=working, block=before.block & section.block, ahead=len(before.steps))


def overlap(changed: Iterable[str], surveyed: Iterable[str]) -> bool:
    """Whether something is surveyed that was changed: the same array, or one flag of it."""

    def same(one: str, other: str) -> bool:
        shorter, longer = sorted((one, other), key=len)
        return longer == shorter or longer.startswith(f"{shorter}:")

    return any(same(one, other) for one in changed for other in surveyed)


def rows_around(step: StepBase, outline: Any) -> int:
    """Rows around a part of an exposure, of which there are metadata and shape, that a step looks at."""
    return interleaved.rows_around(step.reach(outline.meta), tuple(outline.shape))


def cuttable(exposure: Any) -> bool:
    """Whether rows of an exposure lie one below the other on the detector."""
    return not isinstance(exposure.window, StripedWindow)
