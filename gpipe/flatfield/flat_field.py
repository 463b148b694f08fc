"""Division by a flat field."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array
from gpipe.arrays.invalid import sync_invalid

WITHOUT_FLAT = dq.DO_NOT_USE | dq.NO_FLAT_FIELD


@dataclass(frozen=True)
class FlatFielded:
    """Pixels with the response of the detector taken out: new arrays, of the shapes and types that came in."""

    data: Array
    err: Array
    dq: Array
    var_poisson: Array
    var_rnoise: Array
    var_flat: Array


def flags_of_flat(flat: Array, flags: Array) -> Array:
    """Flag pixels without a flat, which are NaN or 0 or have NO_FLAT_FIELD: DO_NOT_USE and NO_FLAT_FIELD.

    Parameters
    ----------
    flat : float32, (row, column), as the reference has it.
    flags : uint32, the flags of the reference.
    """
    xp = array_namespace(flat, flags)
    absent = xp.isnan(flat) | (flat == 0) | ((flags & dq.NO_FLAT_FIELD) != 0)
    return flags | xp.astype(absent, flags.dtype) * WITHOUT_FLAT


def usable_flat(flat: Array, flags: Array) -> Array:
    """Return the flat with 1 where it is of no use, so that nothing is corrected there.

    Parameters
    ----------
    flat : float32, (row, column), as the reference has it.
    flags : uint32, as `flags_of_flat` gives them.
    """
    return array_namespace(flat, flags).where((flags & dq.DO_NOT_USE) != 0, 1.0, flat)


def divide_by_flat(rates: Sequence[Array], flags: Array, flat: Array, flat_err: Array, flat_dq: Array) -> FlatFielded:
    """Divide by the flat field, and add its uncertainty to the errors.

    Parameters
    ----------
    rates : science values, (row, column) or (integration, row, column), with their variances of Poisson noise and of
        read noise; float32.
    flags : uint32, DQ, of the same shape.
    flat, flat_dq : float32 and uint32, (row, column), as `usable_flat` and `flags_of_flat` give them.
    flat_err : float32, 1 sigma. Where it is NaN the pixel is of no use.

    Notes
    -----
    The variance of the flat is made of the values that are divided already, in this order, in float32.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/flatfield/main.html
    """
    science, poisson, rnoise = rates
    squared = flat * flat
    data, var_poisson, var_rnoise = science / flat, poisson / squared, rnoise / squared
    var_flat = data**2 / squared * flat_err**2
    return _combined(data, var_poisson, var_rnoise, var_flat, flags | flat_dq)


def multiply_by_flat(rates: Sequence[Array], flags: Array, flat: Array, flat_dq: Array) -> FlatFielded:
    """Undo `divide_by_flat`: the variance of the flat is 0. Parameters are those of that."""
    science, poisson, rnoise = rates
    squared = flat * flat
    data = science * flat
    nothing = array_namespace(data).zeros_like(data)
    return _combined(data, poisson * squared, rnoise * squared, nothing, flags | flat_dq)


def _combined(data: Array, var_poisson: Array, var_rnoise: Array, var_flat: Array, flags: Array) -> FlatFielded:
    xp = array_namespace(data)
    err = xp.sqrt(var_poisson + var_rnoise + var_flat)
    marked, planes = sync_invalid(flags, data, err, var_poisson, var_rnoise, var_flat)
    data, err, var_poisson, var_rnoise, var_flat = planes
    return FlatFielded(data, err, marked, var_poisson, var_rnoise, var_flat)
