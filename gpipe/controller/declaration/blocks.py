"""Blocks that an exposure may be cut into for a step, and pixels that tell of the whole."""

from enum import Enum, Flag, auto


class Block(Flag):
    """How an exposure may be cut into chunks for a step.

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
