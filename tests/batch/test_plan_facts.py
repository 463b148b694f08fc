"""Facts of a plan: steps and reasons, products, references, less memory."""

import os
from dataclasses import replace
from datetime import date

import pytest
from helpers.simulated import small

from gpipe import simulate
from gpipe.batch import plan
from gpipe.controller.plan.facts import Fewer
from gpipe.controller.plan.lines import described, headline, totals
from gpipe.controller.run.foresight import fewer
from gpipe.exceptions import InputError, ParameterError
from gpipe.pipeline import Detector1Pipeline


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    config = small(pixels=simulate.DetectorEffects(ipc=0.005))
    path = simulate.write_exposure(config, folder).path
    with simulate.write_cache([config], folder / "crds_cache", full_frame=False).activated():
        yield path


def test_the_exposure_and_its_steps(path):
    found = Detector1Pipeline.plan(path, steps={"refpix": {"skip": True}})
    facts = found.exposure
    assert (found.pipeline, facts.instrument, facts.detector) == ("calwebb_detector1", "NIRCAM", "NRCB1")
    assert (facts.subarray, facts.readpatt, facts.file_bytes) == ("SUB64P", "RAPID", path.stat().st_size)
    reasons = {step.name: step.reason for step in found.steps}
    assert list(reasons)[:4] == ["group_scale", "dq_init", "saturation", "ipc"]
    assert reasons["group_scale"] == "NFRAMES = FRMDIVSR"
    assert (reasons["dq_init"], reasons["jump"]) == (None, None)
    assert reasons["refpix"] == "skip=True, keyword"
    assert reasons["charge_migration"] == "skipped by default"
    assert reasons["gain_scale"] == "no GAINFACT"
    assert found.products == ()


def test_references_have_their_files_and_users(path):
    references = {ref.type: ref for ref in Detector1Pipeline.plan(path).references}
    assert references["gain"].steps[0] == "jump"
    assert references["superbias"].nbytes == os.path.getsize(references["superbias"].path)
    assert references["superbias"].name.startswith("crds://jwst_nircam_superbias")


def test_estimates_of_products_are_right(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    how = {"steps": {"dq_init": {"save_results": True}}, "save_calibrated_ramp": True, "output_dir": "cal"}
    foreseen = Detector1Pipeline.plan(path, **how).products
    assert {product.replaces for product in foreseen} == {None}
    Detector1Pipeline.call(path, configure_log=False, **how)
    assert {product.path for product in foreseen} == {file.relative_to(tmp_path) for file in tmp_path.glob("cal/*")}
    for product in foreseen:
        assert abs(product.path.stat().st_size - product.nbytes) < 100_000 + 0.35 * product.nbytes
    again = Detector1Pipeline.plan(path, **how).products
    assert {product.replaces for product in again} == {date.today()}


def test_text(path, tmp_path):
    (found,) = plan([path], output_dir=tmp_path)
    lines = described(found).splitlines()
    assert lines[0] == headline(found)
    assert "NIRCAM NRCB1, SUB64P, RAPID, 1 \u00d7 5 \u00d7 64 \u00d7 64, " in lines[0]
    assert lines[0].endswith("→ calwebb_detector1 on numpy, 1 thread")
    assert [line.split()[0] for line in lines[1:]] == ["steps", "memory", "writes", "reads"]
    assert "group_scale \u2013 (NFRAMES = FRMDIVSR) · dq_init · saturation" in lines[1]
    assert totals([found, found]).startswith("2 exposures · ")
    assert "kept in memory between sections" in str(found)


def test_a_smaller_limit_that_does_is_named(path):
    found = replace(Detector1Pipeline.plan(path), in_memory=200_000_000)
    tried = []

    def planned_with(limit):
        tried.append(limit)
        if limit < 30_000_000:
            raise ParameterError("max_memory: found less than expected")
        return found

    assert fewer(found, planned_with) == Fewer(30_000_000, 1)
    assert tried == [10_000_000, 20_000_000, 30_000_000]
    assert "; `--max-memory 30MB` would do with 1 chunk" in described(replace(found, fewer=Fewer(30_000_000, 1)))
    assert Detector1Pipeline.plan(path).fewer is None


def test_all_that_is_wrong_is_told_at_once(path, tmp_path):
    wrong = [tmp_path / f"{name}_uncal.fits" for name in "ab"]
    for one in wrong:
        one.write_bytes(b"none")
    with pytest.raises(InputError, match="a_uncal") as caught:
        plan([path, *wrong], output_dir=tmp_path / "cal")
    assert "b_uncal.fits" in "".join(caught.value.__notes__)
