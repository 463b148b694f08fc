"""Superstripes whose stripes nobody puts together: refpix is skipped."""

import pytest

from gpipe import simulate
from gpipe.linearity import LinearityStep
from gpipe.pipeline import Detector1Pipeline

EARLY = ("dq_init", "saturation", "superbias")
LATE = ("linearity", "dark_sub", "jump", "ramp_fit")


@pytest.fixture(scope="module")
def exposure_and_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stripes")
    config = simulate.ExposureConfig(
        detector="NRCB1", readpatt="RAPID", subarray="SUB64P_SUPSTP002", ngroups=4, nints=64
    )
    return simulate.write_exposure(config, folder), simulate.write_cache([config], folder / "cache", full_frame=False)


def test_later_steps_wait_for_the_joined_frame(exposure_and_cache, tmp_path):
    exposure, cache = exposure_and_cache
    steps = {"refpix": {"skip": True}}
    with cache.activated():
        ramp = Detector1Pipeline.call(exposure.path, steps=steps, output_dir=str(tmp_path), configure_log=False)
    assert type(ramp).__name__ == "SuperstripeRampModel"
    assert [getattr(ramp.meta.cal_step, place) for place in EARLY] == ["COMPLETE"] * len(EARLY)
    assert [getattr(ramp.meta.cal_step, place) for place in LATE] == ["SKIPPED"] * len(LATE)
    assert [path.name for path in tmp_path.iterdir()] == [exposure.path.name.replace("_uncal", "_ramp")]


def test_a_later_step_alone_is_skipped(exposure_and_cache):
    exposure, cache = exposure_and_cache
    with cache.activated():
        ramp = LinearityStep.call(exposure.path, configure_log=False)
    assert ramp.meta.cal_step.linearity == "SKIPPED"
