"""Subclasses with a ``process`` of their own, as published packages write them for jwst, run within a usual run."""

import logging
import re

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from gpipe.controller import StepDone, watch
from gpipe.exceptions import GpipeError, ParameterError
from gpipe.jump import JumpStep
from gpipe.pipeline import Detector1Pipeline
from gpipe.ramp_fitting import RampFitStep

PLANES = ("data", "dq", "err", "var_poisson", "var_rnoise")


class PlainPipeline(Detector1Pipeline):
    """Has the steps of near-infrared exposures written out, as a package that was published for jwst."""

    def process(self, input):
        self.saturation.skip = False
        with datamodels.RampModel(input) as opened:
            self.seen = opened.data.dtype
        input = self.prepare_output(input, open_as_ramp=True)
        for name in ("group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity"):
            input = getattr(self, name).run(input)
        input = self.dark_current.run(input)
        input = self.charge_migration.run(input)
        input = self.jump.run(input)
        input = self.picture_frame.run(input)
        input = self.clean_flicker_noise.run(input)
        input = self.persistence.run(input)
        if self.save_calibrated_ramp:
            self.save_model(input, "ramp")
        input, ints = self.ramp_fit.run(input)
        self.gain_scale.suffix = "gain_scale"
        input = self.gain_scale.run(input)
        self.gain_scale.suffix = "gain_scaleints"
        ints = self.gain_scale.run(ints)
        self.save_model(ints, "rateints")
        self.setup_output(input)
        self.log.info("the end of my process")
        return input


class DoubledPipeline(Detector1Pipeline):
    """Changes the result of the standard work."""

    def process(self, input):
        result = super().process(input)
        result.data *= 2
        return result


class DoubledJumpStep(JumpStep):
    """Doubles the ramp before jumps are looked for."""

    def process(self, input):
        input.data *= 2
        return super().process(input)


def assert_same(found, expected):
    for name in PLANES:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def test_steps_written_out_give_the_bits_and_the_products_of_the_pipeline(exposure, tmp_path):
    asked = {"save_results": True, "save_calibrated_ramp": True}
    expected = Detector1Pipeline.call(exposure, output_dir=str(tmp_path / "a"), **asked)
    found = PlainPipeline.call(exposure, output_dir=str(tmp_path / "b"), **asked)
    assert_same(found, expected)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(names) == 3
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == names
    for name in names:
        with datamodels.open(tmp_path / "a" / name) as one, datamodels.open(tmp_path / "b" / name) as other:
            np.testing.assert_array_equal(one.data, other.data)
            statuses = one.meta.cal_step.instance
            assert statuses == other.meta.cal_step.instance
            assert {"COMPLETE", "SKIPPED"} == set(statuses.values())
            assert one.meta.ref_file.instance == other.meta.ref_file.instance
    lines = "\n".join(found.cal_logs.instance["calwebb_detector1"])
    assert list(found.cal_logs.instance) == ["calwebb_detector1"]
    assert "gpipe.PlainPipeline - INFO - the end of my process" in lines
    assert re.search(r" - INFO - jump \d+\.\d\d s: [\d,]+ jumps", lines)


def test_parameters_of_all_origins_reach_the_steps(exposure):
    steps = {"jump": {"rejection_threshold": 2.5}, "ramp_fit": {"save_opt": False}}
    found = PlainPipeline.call(exposure, steps=steps, configure_log=False)
    assert_same(found, Detector1Pipeline.call(exposure, steps=steps, configure_log=False))
    pipe = PlainPipeline()
    pipe.jump.rejection_threshold = 2.5
    assert_same(pipe.run(exposure), found)


def test_the_standard_work_can_be_asked_for_and_its_result_changed(exposure, tmp_path):
    expected = Detector1Pipeline.call(exposure, configure_log=False)
    found = DoubledPipeline.call(exposure, save_results=True, configure_log=False)
    np.testing.assert_array_equal(found.data, 2 * expected.data)
    saved = {path.name.rpartition("_")[2]: path for path in tmp_path.glob("*.fits")}
    assert sorted(saved) == ["rate.fits", "rateints.fits"]
    with datamodels.open(saved["rate.fits"]) as rate:
        np.testing.assert_array_equal(rate.data, found.data)


def test_process_called_from_outside_is_the_standard_work(exposure, tmp_path):
    found = Detector1Pipeline(save_results=True).process(exposure)
    assert_same(found, Detector1Pipeline.call(exposure, configure_log=False))
    assert [path.name.rpartition("_")[2] for path in tmp_path.glob("*.fits")] == ["rateints.fits"]


def test_hooks_are_run_around_it_once(exposure):
    calls = []

    def hook(model):
        calls.append(type(model).__name__)

    DoubledPipeline.call(exposure, pre_hooks=[hook], post_hooks=[hook], configure_log=False)
    assert calls == ["RampModel", "ImageModel"]


def test_limits_and_events_reach_the_steps_within(exposure):
    seen = []
    with watch(lambda event: seen.append(event.name) if isinstance(event, StepDone) else None):
        found = PlainPipeline.call(exposure, max_memory="2 GB", configure_log=False)
    assert seen[-1] == "calwebb_detector1"
    assert "jump" in seen
    assert_same(found, Detector1Pipeline.call(exposure, configure_log=False))


def test_a_list_and_a_model_and_neither_is_changed(exposure):
    with datamodels.open(exposure) as model:
        before = model.data.copy()
        one, other = DoubledPipeline.call([exposure, model], configure_log=False)
        np.testing.assert_array_equal(model.data, before)
    assert_same(one, other)


def test_a_step_of_a_pipeline_with_its_own_process_is_run(exposure):
    class WithMyJump(Detector1Pipeline):
        step_defs = {**Detector1Pipeline.step_defs, "jump": DoubledJumpStep}  # noqa: RUF012

    expected = Detector1Pipeline.call(exposure, configure_log=False)
    found = WithMyJump.call(exposure, configure_log=False)
    ratio = np.nanmedian(found.data / expected.data)
    assert ratio == pytest.approx(2, rel=0.01)
    assert found.meta.cal_step.jump == "COMPLETE"


def test_a_step_alone_with_its_own_process(exposure):
    ramp = Detector1Pipeline.call(exposure, steps={"ramp_fit": {"skip": True}}, configure_log=False)

    class MyFitStep(RampFitStep):
        def process(self, input):
            rate, ints = super().process(input)
            rate.data += 1
            return rate, ints

    rate, ints = MyFitStep.call(ramp, configure_log=False)
    expected, expected_ints = RampFitStep.call(ramp, configure_log=False)
    np.testing.assert_array_equal(rate.data, expected.data + 1)
    np.testing.assert_array_equal(ints.data, expected_ints.data)


def test_several_results_are_all_returned(exposure):
    class Both(Detector1Pipeline):
        def process(self, input):
            result = super().process(input)
            return [result, result.copy()]

    first, second = Both.call(exposure, configure_log=False)
    assert_same(first, second)


@pytest.mark.parametrize("twice", [lambda model: [model, model.copy()], lambda model: (model, model)])
def test_results_of_one_kind_are_saved_under_their_index(exposure, tmp_path, twice):
    class Both(Detector1Pipeline):
        def process(self, input):
            first, second = twice(super().process(input))
            first.meta.target.catalog_name = "one"
            return first, second

    base = exposure.name.removesuffix("_uncal.fits")
    first, second = Both.call(exposure, save_results=True, configure_log=False)
    assert_same(first, second)
    names = [f"{base}_0_rate.fits", f"{base}_1_rate.fits"]
    assert [first.meta.filename, second.meta.filename] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names, f"{base}_rateints.fits"]
    for name in names:
        with datamodels.open(tmp_path / name) as saved:
            np.testing.assert_array_equal(saved.data, first.data)
            assert saved.meta.filename == name


def test_results_of_two_kinds_have_no_index(exposure, tmp_path):
    class Fitted(Detector1Pipeline):
        def process(self, input):
            return self.ramp_fit.run(self.dq_init.run(input))

    assert len(Fitted.call(exposure, save_results=True, configure_log=False)) == 2
    assert sorted(path.stem.rpartition("_")[2] for path in tmp_path.iterdir()) == ["rate", "rateints"]


class LookingStep(JumpStep):
    """Says itself, as steps of jwst do, what it did."""

    status = None

    def process(self, input):
        self.found = input.meta.cal_step.jump
        result = input.copy()
        if self.status:
            result.meta.cal_step.jump = self.status
        return result


class SkippingStep(LookingStep):
    """Leaves the exposure as it is."""

    status = "SKIPPED"


class FailingStep(LookingStep):
    """Could not do it."""

    status = "FAILED"


@pytest.mark.parametrize(
    ("step", "status"), [(LookingStep, "COMPLETE"), (SkippingStep, "SKIPPED"), (FailingStep, "FAILED")]
)
@pytest.mark.parametrize("before", [None, "SKIPPED", "COMPLETE", "FAILED"])
def test_the_status_that_a_step_sets_stays(exposure, tmp_path, step, status, before):
    class Mine(Detector1Pipeline):
        step_defs = {**Detector1Pipeline.step_defs, "jump": step}  # noqa: RUF012

    with datamodels.open(exposure) as model:
        model.meta.cal_step.jump = before
        seen = []
        with watch(lambda event: seen.append((event.name, event.status)) if isinstance(event, StepDone) else None):
            rate = Mine.call(model, save_results=True, configure_log=False)
            alone = step.call(model, save_results=True, configure_log=False)
        assert model.meta.cal_step.jump == before
    assert [rate.meta.cal_step.jump, alone.meta.cal_step.jump] == [status, status]
    assert ("jump", status) in seen
    for path in tmp_path.glob("*.fits"):
        with datamodels.open(path) as saved:
            assert saved.meta.cal_step.jump == status


def test_the_status_of_the_standard_work_stays(exposure):
    with datamodels.open(exposure) as model:
        short = model.copy()
        short.data, short.meta.exposure.ngroups = model.data[:, :2], 2
    assert JumpStep.call(short, configure_log=False).meta.cal_step.jump == "SKIPPED"
    assert DoubledJumpStep.call(short, configure_log=False).meta.cal_step.jump == "SKIPPED"


def test_a_step_that_a_parameter_skips_is_skipped_whatever_its_process_says(exposure):
    with datamodels.open(exposure) as model:
        model.meta.cal_step.jump = "COMPLETE"
        assert LookingStep.call(model, skip=True, configure_log=False).meta.cal_step.jump == "SKIPPED"


def test_plan_of_it(exposure):
    assert "calwebb_detector1: the whole exposure" in str(DoubledPipeline.plan(exposure))


@pytest.mark.parametrize("result", [None, 3, {}])
def test_a_result_that_is_no_exposure_is_refused(exposure, result):
    class Wrong(Detector1Pipeline):
        def process(self, input):
            return result

    with pytest.raises(GpipeError, match=r"Wrong\.process: wrong result: found builtins\.\w+ as input"):
        Wrong.call(exposure, configure_log=False)


def test_errors_of_a_user_say_where_and_misspelt_parameters_are_told(exposure):
    class Failing(Detector1Pipeline):
        def process(self, input):
            self.anything_else = 1
            self.save_result = True

    with pytest.raises(ParameterError, match="did you mean 'save_results'"):
        Failing.call(exposure, configure_log=False)

    class Raising(Detector1Pipeline):
        def process(self, input):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        Raising.call(exposure, configure_log=False)
    assert "in step calwebb_detector1 of gpipe" in caught.value.__notes__[0]
    with pytest.raises(ParameterError):
        Raising().anything_else = 1


def test_a_skipped_step_within_is_skipped_and_run_says_nothing_of_crds(exposure, caplog):
    class Skipping(Detector1Pipeline):
        def process(self, input):
            input = self.dq_init.run(input)
            self.saturation.skip = True
            input = self.saturation.run(input)
            return self.emicorr.run(input)

    with caplog.at_level(logging.INFO, "gpipe"):
        found = Skipping.call(exposure, configure_log=False)
    assert (found.meta.cal_step.saturation, found.meta.cal_step.emicorr) == ("SKIPPED", "SKIPPED")
    assert not [line for line in caplog.messages if "run() uses the parameters" in line]
