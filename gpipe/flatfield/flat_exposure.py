"""The flat of an exposure: of its part of the detector, and usable in each pixel."""

from dataclasses import dataclass

from gpipe.arrays import Array
from gpipe.controller import SideProduct
from gpipe.datamodels import Rate, Reference
from gpipe.flatfield.flat_field import flags_of_flat, usable_flat


@dataclass(frozen=True)
class Flat:
    """A flat that is cut to the pixels of an exposure: response, 1 sigma, and flags; (row, column)."""

    data: Array
    err: Array
    dq: Array


def flat_of(reference: Reference, exposure: Rate) -> Flat:
    """Prepare the flat of an exposure, or take that of an earlier one of the same window."""

    def flags() -> Array:
        return flags_of_flat(reference.load("data", exposure), reference.load("dq", exposure))

    def response() -> Array:
        return usable_flat(reference.load("data", exposure), flags())

    return Flat(
        reference.cached("usable", exposure, response),
        reference.plane("err", exposure),
        reference.cached("flags with bad pixels", exposure, flags),
    )


def flat_product(reference: Reference, exposure: Rate) -> SideProduct:
    """Make a reference file of the flat that is applied to an exposure."""
    from stdatamodels.jwst import datamodels

    flat, to_host = flat_of(reference, exposure), exposure.backend.to_host
    model = datamodels.FlatModel(data=to_host(flat.data), err=to_host(flat.err), dq=to_host(flat.dq))
    model.update({"meta": reference.meta.instance})
    for name in ("xstart", "ystart", "xsize", "ysize"):
        setattr(model.meta.subarray, name, getattr(exposure.window, name))
    return SideProduct(model, suffix="interpolatedflat")
