"""Modules inside jwst's steps of the second stage, as far as its tests call them."""

from typing import Any

import numpy as np

from benchmarks.jwst_tests.absent import Absent
from gpipe.photom import PhotomStep
from gpipe.photom import time_dependence as ours
from gpipe.photom.rows import matching_rows

ARRAYS = ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat", "area")


class time_dependence:  # noqa: N801 - jwst's name of the module
    """Stand for ``jwst.photom.time_dependence``."""

    linear_correction = staticmethod(ours.linear)
    exponential_correction = staticmethod(ours.exponential)
    powerlaw_correction = staticmethod(ours.powerlaw)

    @staticmethod
    def get_correction_table(model: Any, midtime: float, bounded: bool = False) -> np.ndarray:
        """Multiply all laws of a reference, in all of its rows."""
        laws = {name: getattr(model, name) for name in ours.LAWS if model.hasattr(name)}
        rows = range(len(model.phot_table))
        return np.array([ours.throughput(midtime, laws, row, bounded=bounded) for row in rows])


class DataModelTypeError(Exception):
    """Stand for that of ``jwst.photom.photom``."""


class DataSet:
    """Stand for ``jwst.photom.photom.DataSet``: each of its methods is a run of the step."""

    def __init__(
        self, model: Any, inverse: bool = False, source_type: str | None = None, apply_time_correction: bool = True
    ) -> None:
        self.input, self._meta = model, model.meta
        self._parameters = {
            "inverse": inverse,
            "source_type": source_type,
            "apply_time_correction": apply_time_correction,
        }

    def apply_photom(self, photom_fname: Any, area_fname: Any) -> Any:
        """Run the step, and put what it makes into the model."""
        if self.input.meta.instrument.name is None:  # a test has put another model here
            self.input.meta.instrument.name = self._meta.instrument.name
            self.input.meta.exposure.type = self._meta.exposure.type
        given = {"override_photom": photom_fname or "N/A", "override_area": area_fname or "N/A"}
        result = PhotomStep(**given, **self._parameters).run(self.input)
        for name in ARRAYS:
            if name in result.instance:
                setattr(self.input, name, result.instance[name])
        self.input.meta.photometry.instance.update(result.meta.photometry.instance)
        if result.meta.cal_step.photom == "SKIPPED" and result.meta.instrument.name == "NIRISS":
            raise DataModelTypeError
        return self.input

    def __getattr__(self, name: str) -> Any:
        if name.startswith("calc_"):
            return lambda reference, *_: self.apply_photom(reference, None)
        return getattr(Absent("jwst.photom.photom.DataSet"), name)


class photom:  # noqa: N801 - jwst's name of the module
    """Stand for ``jwst.photom.photom``."""

    DataSet = DataSet
    DataModelTypeError = DataModelTypeError

    @staticmethod
    def find_row(table: Any, wanted: Any) -> int | None:
        """Find the row of a table for an exposure."""
        rows = matching_rows({name: np.asarray(table[name]).tolist() for name in wanted}, wanted)
        return rows[0] if rows else None
