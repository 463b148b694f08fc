"""Instruments and ways of readout, told by the metadata of an exposure."""

from typing import Any

MIRI, NIRSPEC = "MIRI", "NIRSPEC"
OTHERS = "other instruments"
"""Key of what holds for the instruments that a mapping by instrument does not name."""


def is_miri(meta: Any) -> bool:
    """Tell whether an exposure is of MIRI, whose detectors are not read as those of the near infrared."""
    return _is(meta, MIRI)


def is_nirspec(meta: Any) -> bool:
    """Tell whether an exposure is of NIRSpec."""
    return _is(meta, NIRSPEC)


def is_irs2(meta: Any) -> bool:
    """Tell whether NIRSpec read reference pixels between the pixels of each row (IRS2)."""
    return "IRS2" in str(meta.exposure.readpatt)


def _is(meta: Any, instrument: str) -> bool:
    return str(meta.instrument.name).upper() == instrument
