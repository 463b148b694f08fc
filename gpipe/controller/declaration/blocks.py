"""Blocks that an exposure may be cut into for a step, and pixels that tell of the whole."""

from enum import Enum, Flag, auto


class Block(Flag):
    """How an exposure may be cut into parts for a step.

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


class Glance(Enum):
    """The pixels that a survey can be taken from before the whole exposure has been gone through.

    BORDER : the outer four rows and columns, where reference pixels are: all that the survey looks at.
    SAMPLE : the rows of the brightest pixels, which nearly always tell the same as all rows. The survey gives booleans,
        and only whether they are true in all rows matters; where a sample has misled, the exposure is gone through
        again.
    """

    BORDER = auto()
    SAMPLE = auto()
