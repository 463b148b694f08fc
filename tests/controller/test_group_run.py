"""Runs of steps and pipelines on groups: level-3 associations and lists of exposures."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from astropy.io import fits
from helpers.members import rate_files, rate_model
from helpers.strict_backend import StrictBackend

from gpipe.backends.numpy import NumpyBackend
from gpipe.controller import Pipeline, Ref, Skip, Step, StepDone, watch
from gpipe.datamodels import Rate, forget_references, open_exposure
from gpipe.datamodels.exposures.groups.group import Group
from gpipe.exceptions import InputError, ParameterError, ReferenceFileError

GAIN = 3.0


class LevelStep(Step):
    """Measures the mean of each member."""

    alias = "level"
    cal_step = "skymatch"
    accepts = Group

    def apply(self, group, references):
        group.measure(lambda rate: float(rate.backend.to_host(rate.data).mean()), name="level")
        return group


class SubtractStep(Step):
    """Subtracts the level that was measured."""

    alias = "subtract"
    cal_step = "bkg_subtract"
    accepts = Group

    def apply(self, group, references):
        return group.map(lambda rate, level: replace(rate, data=rate.data - level), group.results("level"))


class ScaleStep(Step):
    """Multiplies each member by a gain; the members do not know the group."""

    alias = "scale"
    cal_step = "gain_scale"
    accepts = Rate
    references = (Ref("gain", missing="error"),)

    def apply(self, rate, references):
        if rate.meta.exposure.type == "NRC_TACQ":
            raise Skip("not for target acquisition")
        return replace(rate, data=rate.data * references["gain"].plane("data", rate))


class StackStep(Step):
    """Makes one exposure of the mean of all members."""

    alias = "stack"
    cal_step = "resample"
    accepts = Group

    def apply(self, group, references):
        bands = [group.backend.to_host(band).mean(axis=0) for band in group.stacks("data", 5)]
        first = group.members[0].pixels.exposure(group.backend)
        mean = group.backend.to_device(np.concatenate(bands))
        return replace(first, header=group.header, data=mean)


class Skies(Pipeline):
    alias = "skies"
    accepts = Group
    step_defs: ClassVar = {"scale": ScaleStep, "level": LevelStep, "subtract": SubtractStep}


class Mosaics(Skies):
    alias = "mosaics"
    step_defs: ClassVar = {**Skies.step_defs, "stack": StackStep}


@pytest.fixture
def gain(tmp_path):
    forget_references()
    image = fits.ImageHDU(np.full((2048, 2048), GAIN, np.float32), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "gain.fits")
    yield {"scale": {"override_gain": str(tmp_path / "gain.fits")}}
    forget_references()


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return rate_files(tmp_path)


@pytest.fixture
def association(paths, tmp_path):
    members = [{"expname": path.name, "exptype": "SCIENCE"} for path in paths]
    path = tmp_path / "field_asn.json"
    path.write_text(json.dumps({"asn_id": "a3001", "products": [{"name": "field", "members": members}]}))
    return path


def expected():
    data = [rate_model(number).data * np.float32(GAIN) for number in range(3)]
    return [plane - plane.mean() for plane in data]


@pytest.mark.parametrize(
    "options", [{}, {"max_memory": "20 KB"}, {"backend": StrictBackend()}], ids=["host", "scratch", "device"]
)
def test_an_association_goes_through_a_pipeline(association, gain, options, tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    results = Skies.call(str(association), steps=gain, configure_log=False, save_results=True, **options)
    for number, (result, values) in enumerate(zip(results, expected(), strict=True)):
        np.testing.assert_allclose(result.data, values, rtol=1e-5, atol=1e-3)
        meta = result.meta
        assert (meta.cal_step.skymatch, meta.cal_step.bkg_subtract, meta.cal_step.gain_scale) == ("COMPLETE",) * 3
        assert meta.ref_file.gain.name.endswith("gain.fits")
        assert (meta.group_id, meta.asn.table_name) == (f"exposure{number + 1:04d}", "field_asn.json")
        assert (tmp_path / f"member{number}_skies.fits").exists()
    assert not list((tmp_path / "scratch").iterdir())


def test_models_of_a_list_are_a_group_and_stay_as_they_are(gain):
    models = [rate_model(number) for number in range(3)]
    results = Skies.call(models, steps=gain, configure_log=False)
    np.testing.assert_allclose([r.data for r in results], expected(), rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(models[0].data, rate_model(0).data)
    assert models[0].meta.cal_step.skymatch is None


@pytest.mark.parametrize("backend", [NumpyBackend(), StrictBackend()], ids=["host", "device"])
def test_exposures_in_flight_stay_in_flight(gain, backend, tmp_path):
    rates = [open_exposure(rate_model(number), backend) for number in range(3)]
    results = Skies.call(rates, steps=gain, configure_log=False, output_dir=str(tmp_path / "saved"))
    assert [(type(result), result.backend.name) for result in results] == [(Rate, backend.name)] * 3
    np.testing.assert_allclose([backend.to_host(r.data) for r in results], expected(), rtol=1e-5, atol=1e-3)
    assert len(list((tmp_path / "saved").iterdir())) == 3
    assert [rate.meta.cal_step.skymatch for rate in rates] == [None] * 3
    mosaic = Mosaics.call(rates, steps=gain, configure_log=False)
    np.testing.assert_allclose(backend.to_host(mosaic.data), np.mean(expected(), axis=0), rtol=1e-5, atol=1e-3)


def test_one_exposure_made_of_a_group_has_the_name_of_the_product(association, gain, tmp_path):
    result = Mosaics.call(association, steps=gain, configure_log=False, save_results=True)
    np.testing.assert_allclose(result.data, np.mean(expected(), axis=0), rtol=1e-5, atol=1e-3)
    assert (tmp_path / "field_mosaics.fits").exists()
    assert (result.meta.cal_step.skymatch, result.meta.cal_step.resample) == ("COMPLETE", "COMPLETE")


def test_products_of_a_step_of_the_pipeline(association, gain, tmp_path):
    steps = {"scale": gain["scale"] | {"save_results": True}, "subtract": {"save_results": True}}
    Skies.call(association, steps=steps, configure_log=False)
    assert sorted(path.name for path in tmp_path.glob("member*_s*.fits")) == sorted(
        f"member{number}_{suffix}.fits" for number in range(3) for suffix in ("scale", "subtract")
    )


def test_a_member_that_a_step_is_not_for_stays_as_it_is(paths, gain):
    models = [rate_model(number) for number in range(2)]
    models[1].meta.exposure.type = "NRC_TACQ"
    first, second = ScaleGroup.call(models, steps=gain, configure_log=False)
    np.testing.assert_array_equal(second.data, models[1].data)
    assert (first.meta.cal_step.gain_scale, second.meta.cal_step.gain_scale) == ("COMPLETE", "SKIPPED")


class ScaleGroup(Pipeline):
    alias = "scale_group"
    accepts = Group
    step_defs: ClassVar = {"scale": ScaleStep}


def test_a_skipped_step_is_recorded_in_every_member(paths, gain):
    results = Skies.call(paths, steps=gain | {"level": {"skip": True}, "subtract": {"skip": True}}, configure_log=False)
    assert [result.meta.cal_step.skymatch for result in results] == ["SKIPPED"] * 3


def test_a_missing_reference_is_told_before_pixels_are_read(paths, monkeypatch):
    monkeypatch.setattr("gpipe.datamodels.groups.open_exposure", lambda *a: pytest.fail("pixels were read"))
    with pytest.raises(ReferenceFileError, match="scale: found N/A as gain reference, expected a file"):
        Skies.call(paths, steps={"scale": {"override_gain": "N/A"}}, configure_log=False)


def test_a_missing_member_is_named(association, paths, gain):
    paths[1].unlink()
    with pytest.raises(InputError, match=r"field_asn\.json: product 'field', member 'member1_rate\.fits'"):
        Skies.call(association, steps=gain, configure_log=False)


def test_an_error_names_the_member(paths, gain, monkeypatch):
    def apply(self, rate, references):
        if "1" in rate.meta.filename:
            raise ValueError(rate.meta.filename)
        return rate

    monkeypatch.setattr(ScaleStep, "apply", apply)
    with pytest.raises(ValueError, match=r"member1_rate\.fits") as caught:
        Skies.call(paths, steps=gain, configure_log=False)
    assert any("member1_rate.fits" in note for note in caught.value.__notes__)


def test_hooks_on_a_group_are_refused(paths, gain):
    with pytest.raises(ParameterError, match="level: found hooks, expected none on a group"):
        Skies.call(paths, steps=gain | {"level": {"post_hooks": [print]}}, configure_log=False)


def test_hooks_of_a_step_for_members_see_each_of_them(paths, gain):
    seen = []
    steps = {"scale": gain["scale"] | {"post_hooks": [lambda model: seen.append(model.meta.filename)]}}
    Skies.call(paths, steps=steps, configure_log=False)
    assert sorted(seen) == [path.name for path in paths]


def test_the_plan_of_a_group(paths):
    assert "3 members" in str(Skies.plan(paths))


def test_events_of_a_group(paths, gain):
    seen = []
    with watch(lambda event: seen.append((event.name, event.status)) if isinstance(event, StepDone) else None):
        Skies.call(paths, steps=gain, configure_log=False)
    assert seen == [("scale", "COMPLETE"), ("level", "COMPLETE"), ("subtract", "COMPLETE")]


def test_a_step_alone_on_a_list(paths):
    results = LevelStep.call(paths, configure_log=False)
    assert len(results) == 3
    assert [result.meta.cal_step.skymatch for result in results] == ["COMPLETE"] * 3


def test_as_many_members_are_in_hand_as_the_plan_says(paths):
    at_once = []

    class SeenStep(LevelStep):
        alias = "seen"

        def apply(self, group, references):
            at_once.append(group.threads)
            return super().apply(group, references)

    SeenStep.call(paths, configure_log=False)
    assert at_once == [LevelStep.plan(paths).threads]
