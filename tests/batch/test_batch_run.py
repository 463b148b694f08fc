"""`gpipe.run` from Python: a report of many exposures, whose results are in files only."""

import errno
import json
import os
import shutil
import weakref
from pathlib import Path

import pytest
from helpers.simulated import mid_infrared, small
from stdatamodels.jwst import datamodels

import gpipe
from gpipe import simulate
from gpipe.associations import asn_from_list
from gpipe.batch.choice import chosen_for
from gpipe.controller.run import record
from gpipe.datamodels.files import reading
from gpipe.exceptions import ExposureErrors, InputError, OutputError, ParameterError
from gpipe.jump import JumpStep
from gpipe.pipeline import DarkPipeline, Detector1Pipeline


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    path = simulate.write_exposure(small(), folder).path
    with simulate.write_cache([small()], folder / "crds_cache", full_frame=False).activated():
        yield path


@pytest.fixture
def files(simulated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / f"jw{number}_uncal.fits" for number in (1, 2, 3)]
    for path in paths:
        shutil.copy(simulated, path)
    return paths


def test_the_report_has_products_and_errors(files):
    files[1].write_bytes(files[1].read_bytes()[:20_000])
    lines = []
    report = gpipe.run(files, output_dir="cal", configure_log=False, tell=lines.append)
    assert [outcome.name for outcome in report.outcomes] == [str(path) for path in files]
    assert [path.name for path in report.done[1].products] == ["jw3_rate.fits", "jw3_rateints.fits"]
    assert all(path.exists() for outcome in report.done for path in outcome.products)
    assert isinstance(report.failed[0].error, InputError)
    assert [line.split()[0] for line in lines] == ["3", "1/3", "2/3", "3/3"]
    assert str(report).splitlines()[-1].startswith("2 of 3 done in ")
    with pytest.raises(ExposureErrors) as caught:
        report.raise_errors()
    assert caught.value.exceptions == (report.failed[0].error,)


def test_each_is_told_when_its_products_are_there(files):
    there = []

    def tell(line):
        there.append([Path(f"jw{len(there)}_{kind}.fits").is_file() for kind in ("rate", "rateints")])

    gpipe.run(files, configure_log=False, tell=tell)
    assert there[1:] == [[True, True]] * 3


def test_headers_are_read_once(files, monkeypatch):
    read = []
    plainly = reading.find_source
    monkeypatch.setattr(reading, "find_source", lambda source: read.append(source) or plainly(source))
    assert not gpipe.run(files, configure_log=False).failed
    assert read == files


def test_clashes_are_refused_before_work(files, tmp_path):
    (tmp_path / "again").mkdir()
    twins = [shutil.copy(path, tmp_path / "again") for path in files[:2]]
    with pytest.raises(OutputError, match=r"jw1_rate.fits: found as the name of a product of .* and of") as caught:
        gpipe.run([*files, *twins], output_dir="cal", configure_log=False)
    assert "jw2_rate.fits: found as the name" in "".join(caught.value.__notes__)
    assert not (tmp_path / "cal").exists()


def test_existing_products_are_refused_if_asked(files, tmp_path):
    for name in ("jw1_rate.fits", "jw3_rateints.fits"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match=r"^jw1_rate.fits: found a file") as caught:
        gpipe.run(files, if_exists="error", configure_log=False)
    assert "jw3_rateints.fits: found a file" in "".join(caught.value.__notes__)
    assert (tmp_path / "jw1_rate.fits").read_text() == "mine"
    with pytest.raises(ParameterError, match="if_exists: found 'never'"):
        gpipe.run(files, if_exists="never", configure_log=False)


def test_the_error_of_an_only_exposure_is_its_own(files):
    files[0].write_bytes(b"none")
    lines = []
    report = gpipe.run(files[0], pipeline="calwebb_detector1", configure_log=False, tell=lines.append)
    assert lines[1:] == []
    with pytest.raises(InputError, match="not a FITS file"):
        report.raise_errors()


def test_a_product_that_cannot_be_written_is_the_error_of_its_exposure(files, tmp_path):
    (tmp_path / "cal").mkdir()
    (tmp_path / "cal" / "jw2_rate.fits").mkdir()
    report = gpipe.run(files, output_dir="cal", configure_log=False)
    assert [outcome.name for outcome in report.failed] == [str(files[1])]
    assert report.failed[0].products == ()
    assert not (tmp_path / "cal" / "jw2_rateints.fits").exists()


def test_a_product_that_fails_in_the_background_is_none(files, tmp_path, monkeypatch):
    plainly = os.replace

    def refuse(source, target, **keywords):
        if os.path.basename(target) == "jw2_rate.fits":
            raise OSError(errno.EIO, "Input/output error", os.fspath(target))
        plainly(source, target, **keywords)

    monkeypatch.setattr(os, "replace", refuse)
    report = gpipe.run(files, output_dir="cal", configure_log=False)
    assert [outcome.name for outcome in report.failed] == [str(files[1])]
    assert [path.name for path in report.failed[0].products] == ["jw2_rateints.fits"]
    assert isinstance(report.failed[0].error, OutputError)


def test_no_result_stays_in_memory(files, monkeypatch):
    made = []
    plainly = record.to_model

    def watched(exposure):
        model = plainly(exposure)
        made.append(weakref.ref(model))
        return model

    monkeypatch.setattr(record, "to_model", watched)
    alive = []
    gpipe.run(files, configure_log=False, tell=lambda line: alive.append(sum(ref() is not None for ref in made[:-4])))
    assert alive == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"steps": {"jump": {"rejection": 5}}}, ParameterError, "unknown name 'rejection'"),
        ({"output_file": "one"}, ParameterError, "output_file: found one name for 3 exposures"),
        ({"pipeline": "nothing"}, ParameterError, "pipeline: unknown name 'nothing'"),
        ({"max_memory": "much"}, ParameterError, "max_memory"),
        ({"save_results": "false"}, ParameterError, "save_results: found false, expected true"),
    ],
)
def test_what_is_wrong_with_all_is_told_before_work(files, tmp_path, keywords, error, message):
    with pytest.raises(error, match=message):
        gpipe.run(files, configure_log=False, **keywords).raise_errors()
    assert not list(tmp_path.glob("*_rate*"))


def test_the_pipeline_is_chosen_by_what_files_hold(files, tmp_path):
    dark = simulate.write_exposure(small(exp_type="NRC_DARK"), tmp_path / "dark").path
    miri = simulate.write_exposure(mid_infrared(), tmp_path / "miri").path
    assert chosen_for([*files, miri]) is Detector1Pipeline
    assert chosen_for([dark]) is DarkPipeline
    miri_dark = simulate.write_exposure(mid_infrared(exp_type="MIR_DARKIMG"), tmp_path / "miri_dark").path
    assert chosen_for([miri_dark]) is DarkPipeline
    assert chosen_for([dark], "jwst.jump.JumpStep") is JumpStep
    assert chosen_for(files, "jump") is JumpStep
    with pytest.raises(InputError, match=r"Detector1Pipeline for jw1_uncal.fits and DarkPipeline for "):
        chosen_for([files[0], dark])


def test_a_class_of_another_package_is_not_taken_for_one_of_gpipe():
    with pytest.raises(ParameterError, match=r"^pipeline: mine.JumpStep cannot be imported"):
        chosen_for([], "mine.JumpStep")


def test_nothing_is_told_of_an_interrupted_exposure(files):
    lines = []

    def interrupted(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gpipe.run(files, steps={"jump": {"pre_hooks": [interrupted]}}, configure_log=False, tell=lines.append)
    assert not any("1/3" in line for line in lines)


def test_rates_of_images_go_on_and_spectra_are_of_a_later_stage(files, tmp_path):
    gpipe.run(files[0], configure_log=False)
    rate = tmp_path / "jw1_rate.fits"
    assert chosen_for([rate]).alias == "calwebb_image2"
    Path("a_asn.json").write_text(json.dumps(asn_from_list([rate.name], rule="DMSLevel2bBase")))
    assert chosen_for([Path("a_asn.json")]).alias == "calwebb_image2"
    with datamodels.open(rate) as model:
        model.meta.cal_step.photom = "COMPLETE"
        model.save("jw1_cal.fits")
        model.meta.cal_step.photom, model.meta.exposure.type = None, "NRC_WFSS"
        model.save("spectra.fits")
    for name, found in (("jw1_cal.fits", "a calibrated image"), ("spectra.fits", "jwst.pipeline.Spec2Pipeline")):
        with pytest.raises(InputError, match=rf"{name}: found .*{found}"):
            gpipe.run(name)


def test_associations_are_taken(files):
    association = asn_from_list([path.name for path in files[:2]], rule="DMSLevel2bBase")
    Path("two_asn.json").write_text(json.dumps(association))
    report = gpipe.run("two_asn.json", configure_log=False)
    assert [path.name for outcome in report.done for path in outcome.products] == [
        "jw1_rate.fits", "jw1_rateints.fits", "jw2_rate.fits", "jw2_rateints.fits",
    ]  # fmt: skip
