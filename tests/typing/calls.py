"""Calls as type checkers see them; comments mark the errors that they must find. Nothing of it is run."""

from pathlib import Path
from typing import Any, assert_type

from gpipe.jump import JumpStep
from gpipe.pipeline import DarkPipeline, Detector1Pipeline
from gpipe.ramp_fitting import RampFitStep
from gpipe.refpix import RefPixStep

pipe = Detector1Pipeline()
assert_type(pipe.jump, JumpStep)
assert_type(pipe.ramp_fit, RampFitStep)
assert_type(DarkPipeline().refpix, RefPixStep)
pipe.jum  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018

assert_type(pipe.jump.rejection_threshold, float)
assert_type(pipe.jump.skip, bool)
assert_type(pipe.persistence.dn_threshold, float | None)
assert_type(pipe.persistence.flag_pers_cutoff, float | None)
assert_type(pipe.persistence.persistence_time, int | None)
assert_type(pipe.dq_init.user_supplied_dq, str | None)
assert_type(pipe.ramp_fit.maximum_cores, str)
pipe.jump.rejection_threshold = "5"  # a text is converted

assert_type(Detector1Pipeline.call("x_uncal.fits", steps={"jump": {"rejection_threshold": 5}}), Any)
assert_type(Detector1Pipeline.call(Path("x_uncal.fits"), backend="numpy"), Any)
assert_type(Detector1Pipeline.call(["x_uncal.fits"], on_error="return"), list[Any])
assert_type(pipe.call(("x_uncal.fits", "y_uncal.fits")), list[Any])
Detector1Pipeline.call()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
pipe.run("x_uncal.fits", skip=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
pipe.run("x_uncal.fits", backend=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(pipe.describe(), str)
assert_type(JumpStep.from_config_file("x.asdf"), JumpStep)
