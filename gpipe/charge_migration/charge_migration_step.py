"""The charge_migration step."""

import logging
from dataclasses import replace

from gpipe.charge_migration.charge_migration import flag_charge_migration
from gpipe.controller import References, Skip, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp

FEWEST_GROUPS = 3


class ChargeMigrationStep(Step):
    """Flag the groups of bright pixels from which charge migrates to their neighbours; skipped by default."""

    class_alias = "charge_migration"
    expects = ("dq_init", "saturation", "refpix", "linearity", "dark_sub")
    expects_near_infrared = ("superbias",)

    signal_threshold = p.Float(25000.0, unit="DN", help="Signal above which charge migrates.")
    skip = p.Boolean(True, help="Leave the exposure as it is.")

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        groups = exposure.data.shape[1]
        if groups < FEWEST_GROUPS:
            raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more", logging.INFO)
        return replace(exposure, groupdq=flag_charge_migration(exposure.data, exposure.groupdq, self.signal_threshold))
