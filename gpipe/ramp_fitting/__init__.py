"""The ramp_fit step."""

from gpipe.ramp_fitting.ramp_fit_step import RampFitStep

__all__ = ["RampFitStep"]
