"""The charge_migration step."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from gpipe.charge_migration.charge_migration import flag_charge_migration
from gpipe.controller import Block, Cut, References, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS

FEWEST_GROUPS = 3
PREDECESSORS = ("dq_init", "saturation", "refpix", "linearity", "dark_sub")


class ChargeMigrationStep(Step):
    """Flag the groups of bright pixels from which charge migrates to their neighbours; skipped by default."""

    alias = "charge_migration"
    by_piece = False
    after: ClassVar = {MIRI: PREDECESSORS, OTHERS: (*PREDECESSORS, "superbias")}
    cut = Cut(Block.PIXELS, writes=("groupdq",), halo=1)

    signal_threshold = p.Float(25000.0, unit="DN", help="Signal above which charge migrates.")
    skip = p.Boolean(True, help="Leave the exposure as it is.")

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        groups = outline.shape[1]
        if groups < FEWEST_GROUPS:
            raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more", logging.INFO)

        def apply(chunk: Ramp) -> Ramp:
            return replace(chunk, groupdq=flag_charge_migration(chunk.data, chunk.groupdq, self.signal_threshold))

        return Work(apply)
