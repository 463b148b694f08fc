"""The flat_field step."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, Cut, Produced, Ref, References, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Described, Image, Rate
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.flatfield.flat_exposure import Flat, flat_of, flat_product
from gpipe.flatfield.flat_field import FlatFielded, divide_by_flat, multiply_by_flat

log = logging.getLogger(__name__)

OF_SPECTRA = ("fflat", "sflat", "dflat")
SPECTRA = ("NRS_AUTOWAVE", "NRS_BRIGHTOBJ", "NRS_FIXEDSLIT", "NRS_IFU", "NRS_LAMP", "NRS_MSASPEC")
NO_FLAT_FOR = "NRS_AUTOFLAT"
AFTER_CUTTING_OUT = (*SPECTRA, NO_FLAT_FOR)
"""Types of exposures of which spectra may be cut out (extract_2d) before."""


class FlatFieldStep(Step):
    """Divide by the response of the detector's pixels relative to each other."""

    alias = "flat_field"
    accepts = (Rate, Image)
    references = (Ref("flat"), *(Ref(reftype, optional=True) for reftype in OF_SPECTRA))
    cut = Cut(Block.PIXELS, writes=("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat"))

    save_interpolated_flat = p.Boolean(False, help="Also save the flat that is applied, as `_interpolatedflat`.")
    user_supplied_flat = p.Path(None, help="A flat to use in place of the references; override_flat does the same.")
    inverse = p.Boolean(False, help="Multiply by the flat, to undo the step.")

    def wanted_references(self, meta: Any) -> Sequence[str]:
        return () if _without_flat(meta) else super().wanted_references(meta)

    def given_references(self, meta: Any) -> Mapping[str, Any]:
        given = dict(super().given_references(meta))
        if meta.exposure.type not in SPECTRA:
            given |= {reftype: given.get(reftype) or "N/A" for reftype in OF_SPECTRA}
        return given if self.user_supplied_flat is None else given | {"flat": self.user_supplied_flat}

    def check(self, meta: Any, references: References) -> None:
        if meta.exposure.type in SPECTRA and meta.instrument.lamp_mode != "IMAGE":
            expected = "an image: flats of NIRSpec's spectra are not built yet"
            raise InputError(f"{self.label}: found EXP_TYPE {meta.exposure.type}, expected {expected}")
        flat = references.get("flat")
        if flat is not None and not flat.has("err"):
            raise ReferenceFileError(f"flat reference {flat.name}: found no array err; expected one (extension ERR)")

    def reason_to_skip(self, outline: Described, references: References) -> str | None:
        if reason := _without_flat(outline.meta):
            return reason
        flat = references.get("flat")
        if flat is not None and flat.is_smaller(outline.meta):
            rows, columns = flat.shape("data")
            return f"found {columns} columns and {rows} rows in {flat.name}, expected those of the exposure"
        return None

    def block(self, meta: Any) -> Block:
        return Block.EXPOSURE if self.save_interpolated_flat else self.cut.block

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        if reason := self.reason_to_skip(outline, references):
            raise Skip(reason)
        reference = references["flat"]

        def apply(chunk: Rate) -> Image | Produced:
            found = self._applied(chunk, flat_of(reference, chunk))
            result = replace(Image.of(chunk), **vars(found))
            return Produced((result,), (flat_product(reference, chunk),)) if self.save_interpolated_flat else result

        return Work(apply)

    def _applied(self, chunk: Rate, flat: Flat) -> FlatFielded:
        rates = chunk.data, chunk.var_poisson, chunk.var_rnoise
        if self.inverse:
            return chunk.backend.native(multiply_by_flat)(rates, chunk.dq, flat.data, flat.dq)
        return chunk.backend.native(divide_by_flat)(rates, chunk.dq, flat.data, flat.err, flat.dq)


def _without_flat(meta: Any) -> str | None:
    """Say why an exposure of its type, or in its state, gets no flat; None where it gets one."""
    kind = meta.exposure.type
    if kind == NO_FLAT_FOR:
        return f"EXP_TYPE is {kind}, for which there is no flat"
    if meta.cal_step.extract_2d == "COMPLETE" and kind not in AFTER_CUTTING_OUT:
        return f"extract_2d has cut out spectra, which is not for EXP_TYPE {kind}"
    return None
