"""The charge_migration step."""

from gpipe.charge_migration.charge_migration_step import ChargeMigrationStep

__all__ = ["ChargeMigrationStep"]
