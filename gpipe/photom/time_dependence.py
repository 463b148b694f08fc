"""Throughput of the telescope with time, relative to a reference day.

Parameters of each law are arrays of the same length, a row for each row of the table of conversion factors. ``time``
is the middle of the exposure, a date [MJD], and ``t0`` the reference day. ``bounded`` lets no value rise above 1.

Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/references_general/photom_reffile.html
"""

from collections.abc import Callable, Mapping
from math import prod

from array_api_compat import array_namespace

from gpipe.arrays import Array

YEAR = 365.0
"""Days in which losses are counted."""


def linear(time: float, t0: Array, lossperyear: Array, *, bounded: bool = False) -> Array:
    """A loss of the same amount each year."""
    return _bounded(1.0 - lossperyear * (time - t0) / YEAR, bounded)


def exponential(time: float, t0: Array, amplitude: Array, tau: Array, const: Array, *, bounded: bool = False) -> Array:
    """A loss that fades in ``tau`` days, down to the throughput ``const``."""
    xp = array_namespace(t0)
    return _bounded(amplitude * xp.exp(-(time - t0) / tau) + const, bounded)


def powerlaw(time: float, t0: Array, year1value: Array, tsoft: Array, alpha: Array, *, bounded: bool = False) -> Array:
    """A power ``alpha`` of the time, softened by ``tsoft`` days: ``year1value`` after a year."""
    norm = (YEAR + tsoft) ** alpha / year1value
    return _bounded((time - t0 + tsoft) ** alpha / norm, bounded)


LAWS: Mapping[str, tuple[Callable[..., Array], tuple[str, ...]]] = {
    "timecoeff_linear": (linear, ("t0", "lossperyear")),
    "timecoeff_exponential": (exponential, ("t0", "amplitude", "tau", "const")),
    "timecoeff_powerlaw": (powerlaw, ("t0", "year1value", "tsoft", "alpha")),
}
"""By name of a table in a photom reference the law and its parameters, which are columns."""


def throughput(time: float, tables: Mapping[str, Mapping[str, Array]], row: int, *, bounded: bool = False) -> float:
    """Multiply all laws that a reference has, in one row of their tables.

    Parameters
    ----------
    tables : columns by name, for each of `LAWS` that the reference has.
    row : of the table of conversion factors.

    Returns
    -------
    The throughput relative to the reference day; 1.0 if the reference has no law.
    """
    return prod(_in_row(time, name, table, row, bounded) for name, table in tables.items())


def _in_row(time: float, name: str, table: Mapping[str, Array], row: int, bounded: bool) -> float:
    law, columns = LAWS[name]
    return float(law(time, *(table[column][row : row + 1] for column in columns), bounded=bounded)[0])


def _bounded(throughput: Array, bounded: bool) -> Array:
    return array_namespace(throughput).clip(throughput, None, 1.0) if bounded else throughput
