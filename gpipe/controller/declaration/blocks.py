"""Cut: chunks that a step can work on, and summaries of the whole exposure that it needs first."""

from dataclasses import dataclass
from enum import Enum, Flag, auto


class Block(Flag):
    """Ways to cut an exposure into chunks for a step.

    EXPOSURE : not at all.
    ROWS : into some rows of all integrations.
    INTEGRATIONS : into whole frames of some integrations.
    COLUMNS : into some columns of all integrations.
    RAMPS : rows, columns or both.
    PIXELS : any way.
    """

    EXPOSURE = 0
    ROWS = 1
    INTEGRATIONS = 2
    COLUMNS = 4
    RAMPS = ROWS | COLUMNS
    PIXELS = RAMPS | INTEGRATIONS


class Preview(Enum):
    """The pixels from which a summary can be taken before the whole exposure is read.

    BORDER : the outer four rows and columns, where reference pixels are: all that ``summarize`` looks at.
    SAMPLE : the rows of the brightest pixels, which nearly always tell the same as all rows. The summary holds
        booleans, and only whether they are true in all rows matters; where a sample has misled, the pass is repeated.
    """

    BORDER = auto()
    SAMPLE = auto()


@dataclass(frozen=True)
class SummaryOf:
    """Summary of the whole exposure that a step needs before it begins; `Step.summarize` makes it.

    Attributes
    ----------
    planes : names of the arrays that ``summarize`` reads, or one flag of them (``"groupdq:DO_NOT_USE"``).
    preview : the pixels that are enough for the summary; None if it takes all.
    """

    planes: tuple[str, ...]
    preview: Preview | None = None


@dataclass(frozen=True)
class Cut:
    """Chunks that a step can work on.

    Attributes
    ----------
    block : the ways in which the exposure may be cut.
    writes : names of the arrays that the step may change, or one flag of them (``"groupdq:JUMP_DET"``); None for all.
    halo : rows (columns, in chunks of them) around a chunk that the step reads. They come with the chunk, and are cut
        off after.
    summary : summary that the step needs of the whole exposure.
    workspace : bytes that the step needs for each sample of an exposure that it works on as a whole, for the plan.
    """

    block: Block
    writes: tuple[str, ...] | None = None
    halo: int = 0
    summary: SummaryOf | None = None
    workspace: int = 5
