"""Small steps, pipelines and exposures for tests of the controller."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.controller import Pipeline, Produced, Ref, SideProduct, Skip, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Exposure, Rate
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS


class AddStep(Step):
    """Adds a number to every sample."""

    alias = "add"
    amount = p.Float(1.0, min=0, unit="DN", help="What is added.")
    minimum_groups = p.Integer(3, help="Groups that the step needs.")
    maximum_cores = p.Cores("1", help="Workers.")

    def apply(self, exposure, references):
        if exposure.data.shape[1] < self.minimum_groups:
            raise Skip(f"found {exposure.data.shape[1]} groups, expected at least {self.minimum_groups}")
        return replace(exposure, data=exposure.data + self.amount)


class TimesStep(Step):
    """Multiplies every sample."""

    alias = "times"
    cal_step = "dark_sub"
    after: ClassVar = {MIRI: ("dq_init",), OTHERS: ("dq_init", "refpix")}
    factor = p.Float(2.0)
    extra = p.Boolean(False, help="Write a file on the side.")

    def apply(self, exposure, references):
        result = replace(exposure, data=exposure.data * self.factor)
        return Produced((result,), (SideProduct(result, suffix="fitopt"),)) if self.extra else result


class GainStep(Step):
    """Divides by the gain reference."""

    alias = "gaining"
    references = (Ref("gain", missing="error"), Ref("readnoise", optional=True))

    def apply(self, exposure, references):
        return replace(exposure, data=exposure.data * (1 + references["gain"].plane("data", exposure)))


class RateStep(Step):
    """Makes two results."""

    alias = "ramp_fit"

    def apply(self, exposure, references):
        mean = exposure.data.mean(axis=1)
        return Produced((_rate(exposure, mean.mean(axis=0)), _rate(exposure, mean)))


def _rate(ramp, data):
    planes = {name: np.zeros_like(data) for name in ("err", "var_poisson", "var_rnoise")}
    return Rate(ramp.header, ramp.backend, data=data, dq=np.zeros(data.shape, np.uint32), **planes)


class ScaleStep(Step):
    """Works on rates only."""

    alias = "gain_scale"
    accepts = Rate

    def apply(self, exposure, references):
        return replace(exposure, data=2 * exposure.data)


class StubPipeline(Pipeline):
    """Adds, multiplies."""

    alias = "stub_pipeline"
    save_ramp = p.Boolean(False)
    step_defs: ClassVar = {"add": AddStep, "times": TimesStep}
    step_synonyms: ClassVar = {"multiply": "times"}
    saves_before: ClassVar = {"times": "ramp"}

    def asks_for(self, suffix):
        return self.save_ramp


class RatePipeline(Pipeline):
    """Fits and scales."""

    alias = "rate_pipeline"
    accepts = Exposure
    step_defs: ClassVar = {"ramp_fit": RateStep, "gain_scale": ScaleStep}

    def suffix_of(self, result, step):
        if step == "gain_scale" and result.suffix == "rateints":
            return "gain_scaleints"
        return result.suffix if step is None else None


def uncal(shape=(2, 4, 8, 8)):
    """An open uncalibrated model: every sample is 10."""
    ints, groups, rows, columns = shape
    model = datamodels.Level1bModel()
    model.data = np.full(shape, 10, np.uint16)
    meta = model.meta
    meta.telescope = "JWST"
    meta.filename = "jw01_uncal.fits"
    meta.instrument.instance.update(name="NIRCAM", detector="NRCALONG", channel="LONG", module="A")
    meta.exposure.instance.update(
        type="NRC_IMAGE",
        readpatt="RAPID",
        nframes=1,
        groupgap=0,
        ngroups=groups,
        nints=ints,
        frame_time=10.7,
        group_time=10.7,
    )
    meta.subarray.instance.update(name="SUB64P", xstart=1, ystart=1, xsize=columns, ysize=rows, fastaxis=-1, slowaxis=2)
    meta.observation.instance.update(date="2026-07-01", time="00:00:00.000")
    return model
