"""The saturation step."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe.controller import Block, Cut, Produced, Ref, References, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Described, Ramp, Window
from gpipe.saturation.irs2 import flag_saturation_irs2
from gpipe.saturation.saturation import Flagged, flag_saturation


class SaturationStep(Step):
    """Flag samples that are saturated, or at the floor of the analogue-to-digital converter."""

    alias = "saturation"
    references = (Ref("saturation"), Ref("superbias", optional=True))
    after = ("dq_init",)
    cut = Cut(Block.PIXELS, writes=("groupdq", "pixeldq", "zeroframe"))

    n_pix_grow_sat = p.Integer(
        1, min=0, unit="pixel", help="How far saturated pixels spill charge, in every direction."
    )
    use_readpatt = p.Boolean(True, help="Find saturation that hides in groups which average several frames.")

    def halo(self, meta: Any, references: References) -> int:
        """Flags grow once more where groups average frames, which saturation may hide in."""
        averages = self.use_readpatt and meta.exposure.nframes > 1
        return (2 if averages else 1) * self.n_pix_grow_sat

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        saturation, bias = references["saturation"], references.get("superbias") if self.use_readpatt else None
        nframes = outline.meta.exposure.nframes if self.use_readpatt else None

        def apply(chunk: Ramp) -> Produced:
            flag, window = self._function(chunk)
            flagged = flag(
                chunk.data,
                chunk.groupdq,
                chunk.pixeldq,
                *(chunk.backend.to_device(saturation.read(a, window=window)) for a in ("data", "dq")),
                grow=self.n_pix_grow_sat,
                nframes=nframes,
                bias=None if bias is None else bias.plane("data", chunk),
                zeroframe=chunk.zeroframe,
            )
            flags = {"groupdq": flagged.groupdq, "pixeldq": flagged.pixeldq, "zeroframe": flagged.zeroframe}
            counts = {"saturated": flagged.saturated_pixels, "floor": flagged.floor_pixels}
            return Produced((replace(chunk, **flags),), counts=counts)

        return Work(apply, _found)

    @staticmethod
    def _function(chunk: Ramp) -> tuple[Callable[..., Flagged], Window]:
        """Return the function that flags the chunk, and the window of thresholds: reference pixels have none."""
        flag = chunk.backend.native(flag_saturation)
        if not chunk.is_interleaved:
            return flag, chunk.window
        places, window = chunk.normal_pixels()
        return partial(flag_saturation_irs2, places=places, flag=flag), window


def _found(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Name the pixels that are flagged in some group; few exposures have any at the converter's floor."""
    floor = {"at the converter's floor": counts["floor"]} if counts["floor"] else {}
    return {"saturated": counts["saturated"]} | floor
