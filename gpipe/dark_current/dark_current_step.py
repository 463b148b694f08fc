"""The dark_current step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from gpipe import dq
from gpipe.arrays.planes import with_unknown
from gpipe.controller import Block, Cut, Produced, Ref, References, SideProduct, Step, Work
from gpipe.controller import parameters as p
from gpipe.dark_current.dark_exposure import check_length, dark_of_groups, flags_of, leads_of, wanted_groups
from gpipe.dark_current.dark_product_exposure import dark_model
from gpipe.dark_current.dark_sub import any_flags, subtract_darks
from gpipe.dark_current.poisson_exposure import dark_current_of
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS


class DarkCurrentStep(Step):
    """Subtract the signal that a detector gathers in the dark."""

    alias = "dark_current"
    cal_step = "dark_sub"
    by_piece = False
    references = (Ref("dark"),)
    after: ClassVar = {MIRI: ("dq_init", "linearity"), OTHERS: ("dq_init", "linearity", "superbias", "refpix")}
    cut = Cut(Block.RAMPS, writes=("data", "pixeldq", "average_dark_current"))

    dark_output = p.OutputFile(None, help="File for the dark that is subtracted, averaged to groups if need be.")
    average_dark_current = p.Float(
        None, unit="electron/s", help="Dark current for its Poisson noise; None takes it from the reference."
    )

    def check(self, meta: Any, references: References) -> None:
        dark = references.get("dark")
        if dark is not None:
            check_length(meta, dark)

    def block(self, meta: Any) -> Block:
        return Block.RAMPS if self.dark_output is None else Block.EXPOSURE

    def named_files(self) -> Sequence[str]:
        """List ``dark_output``, if it is asked for."""
        return () if self.dark_output is None else (self.dark_output,)

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        dark = references["dark"]
        wanted, leads = wanted_groups(outline, dark), leads_of(outline, dark)
        current = dark_current_of(dark, self.average_dark_current)

        def apply(chunk: Ramp) -> Ramp | Produced:
            darks = {lead: dark_of_groups(dark, chunk, lead, wanted) for lead in dict.fromkeys(leads)}
            average, unknown = current(chunk)
            flags = with_unknown(any_flags(flags_of(dark, chunk)), darks.values(), dq.UNRELIABLE_DARK)
            flags = flags if unknown is None else flags | unknown
            subtract = chunk.backend.native(subtract_darks)
            found = subtract(chunk.data, chunk.pixeldq, [darks[lead].planes for lead in leads], flags)
            result = replace(chunk, data=found.data, pixeldq=found.pixeldq, average_dark_current=average)
            if self.dark_output is None:
                return result
            model = dark_model({lead: each.planes for lead, each in darks.items()}, wanted, chunk, dark)
            return Produced((result,), (SideProduct(model, output_file=self.dark_output),))

        return Work(apply)
