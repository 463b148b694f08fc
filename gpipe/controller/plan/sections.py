"""Sections: consecutive steps that are done together on each chunk of an exposure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gpipe.arrays import interleaved
from gpipe.controller.declaration.blocks import Block
from gpipe.controller.declaration.step_base import StepBase
from gpipe.datamodels.exposures.in_flight import Described
from gpipe.datamodels.exposures.window import StripedWindow


@dataclass(frozen=True)
class Section:
    """Consecutive steps that share the chunks of an exposure.

    Attributes
    ----------
    steps : in order, those that are skipped included.
    working : those that are not.
    block : how the exposure may be cut.
    needed_whole : whether the result is needed as a whole (saved, hooked or returned) before the next section.
    previewed : number of its first steps that are done on a few pixels beforehand, for summaries that later steps of
        the section need; 0 where none needs any.
    halos : rows around a chunk that a step looks at, by its name; those of steps of other sections, too.
    """

    steps: tuple[StepBase, ...]
    working: tuple[StepBase, ...]
    block: Block
    needed_whole: bool = False
    previewed: int = 0
    halos: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_cut(self) -> bool:
        """True where it works on chunks."""
        return self.block != Block.EXPOSURE

    @property
    def by_rows(self) -> bool:
        """True where chunks are rows, if it works on chunks; rows are preferred, as they may be few."""
        return Block.ROWS in self.block

    def overwrites(self, meta: Any) -> bool:
        """Tell whether its first step writes to the data of an exposure that is handed over; no hook has them then."""
        first = self.steps[0]
        return first in self.working and not first.pre_hooks and first.overwrites(meta)

    def halo(self, outline: Described) -> int:
        """Rows around a chunk of such an exposure that its steps look at, one after the other."""
        return sum(self.rows_around(step, outline) for step in self.working) if self.by_rows else 0

    def rows_around(self, step: StepBase, outline: Described) -> int:
        """Rows around a chunk of such an exposure that one of its steps looks at."""
        return interleaved.rows_around(self.halos.get(step.name, 0), tuple(outline.shape))

    def summarizers(self, steps: Iterable[StepBase]) -> dict[str, Callable[[Any], Any]]:
        """Find the summaries that those of the steps which work need before they begin, by name."""
        return {step.name: step.summarize for step in steps if step in self.working and step.cut.summary}

    @property
    def ends_ramps(self) -> bool:
        """True where rates come out of it."""
        return any(step.makes for step in self.working)

    @property
    def changes(self) -> set[str]:
        """Names of the arrays that some step may change."""
        return {name.partition(":")[0] for step in self.working for name in step.writes}


def in_sections(
    steps: Sequence[StepBase],
    block: Callable[[StepBase], Block],
    *,
    runs: Callable[[StepBase], bool],
    starts: Callable[[StepBase], bool],
    ends: Callable[[StepBase], bool],
    halos: Mapping[str, int],
) -> list[Section]:
    """Group steps into as few sections as their blocks allow.

    Parameters
    ----------
    block : of a step on the exposure of this run; PIXELS for one that is skipped.
    runs : whether a step is not skipped.
    starts, ends : whether the whole exposure is needed before, or after, a step.
    halos : as of `Section`.
    """
    found: list[Section] = []
    changed: set[str] = set()
    closed = True
    for step in steps:
        own = block(step)
        shared = own & found[-1].block if found else Block.EXPOSURE
        working = (step,) if runs(step) else ()
        if closed or shared == Block.EXPOSURE or starts(step) or overlap(changed, step.reads_first if working else ()):
            if found and starts(step):
                found[-1] = replace(found[-1], needed_whole=True)
            found.append(Section((step,), working, own, halos=halos))
            changed = set()
        else:
            steps, all_working = (*found[-1].steps, step), (*found[-1].working, *working)
            found[-1] = replace(found[-1], steps=steps, working=all_working, block=shared)
        if ends(step):
            found[-1] = replace(found[-1], needed_whole=True)
        changed |= {name for each in working for name in each.writes}
        closed = ends(step) or any(each.makes for each in working)
    return found


def in_one_pass(sections: Sequence[Section]) -> list[Section]:
    """The sections with neighbours made one where a preview can stand for the storage between them."""
    made: list[Section] = []
    for section in sections:
        if made and not made[-1].previewed and _can_preview(made[-1], section):
            made[-1] = _joined(made[-1], section)
        else:
            made.append(section)
    return made


def _can_preview(before: Section, section: Section) -> bool:
    summarizing = section.summarizers(section.steps)
    known = summarizing and all(s.preview for s in section.working if s.name in summarizing) and before.working
    in_rows = before.by_rows and section.by_rows and not before.needed_whole and not before.ends_ramps
    return bool(known and in_rows and Block.COLUMNS in before.block)


def _joined(before: Section, section: Section) -> Section:
    steps, working = (*before.steps, *section.steps), (*before.working, *section.working)
    return replace(
        section, steps=steps, working=working, block=before.block & section.block, previewed=len(before.steps)
    )


def overlap(changed: Iterable[str], summarized: Iterable[str]) -> bool:
    """True where an array that is summarized was changed: the same array, or one flag of it."""

    def same(one: str, other: str) -> bool:
        shorter, longer = sorted((one, other), key=len)
        return longer == shorter or longer.startswith(f"{shorter}:")

    return any(same(one, other) for one in changed for other in summarized)


def cuttable(exposure: Any, section: Section) -> bool:
    """True where rows of an exposure lie one below the other on the detector, or it has integrations to cut it into."""
    if section.by_rows:
        return not isinstance(exposure.window, StripedWindow)
    return len(exposure.shape) > 2
