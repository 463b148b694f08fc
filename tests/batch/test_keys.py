"""Keys of runs, in the headers of products, and what `if_exists="skip"` makes of them."""

import shutil
from pathlib import Path

import pytest
from astropy.io import fits
from helpers.simulated import small
from stdatamodels.jwst import datamodels

import gpipe
from gpipe import simulate
from gpipe.batch import digests, keys
from gpipe.exceptions import InputError
from gpipe.jump import JumpStep
from gpipe.pipeline import Detector1Pipeline
from gpipe.pipeline.catalog import available


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    path = simulate.write_exposure(small(), folder).path
    with simulate.write_cache([small()], folder / "crds_cache", full_frame=False).activated() as cache:
        yield path, cache


@pytest.fixture
def uncal(simulated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shutil.copy(simulated[0], tmp_path / "jw1_uncal.fits")


def run(path, **options):
    report = gpipe.run(path, configure_log=False, **options)
    report.raise_errors()
    return report.done[0]


def did_nothing(path, **options):
    return run(path, if_exists="skip", **options).before


def card(name="jw1_rate.fits", keyword="GP_KEY"):
    return fits.getval(name, keyword)


def test_products_have_a_key_and_the_digest_of_the_input(uncal):
    run(uncal)
    assert card() == card("jw1_rateints.fits")
    assert card(keyword="GP_INPUT") == digests.of_file(uncal)
    assert len(card()) == len(card(keyword="GP_INPUT")) == 2 * digests.SIZE
    assert not [card for card in fits.getheader("jw1_rate.fits").cards["GP_*"] if len(str(card).rstrip()) == 80]


@pytest.mark.parametrize("ext", ["fits", "asdf"])
def test_stdatamodels_reads_the_key_and_keeps_it(uncal, ext):
    run(uncal, output_ext=ext)
    with datamodels.open(f"jw1_rate.{ext}") as model:
        model.save("copy_rate.fits")
    assert card("copy_rate.fits", "GP_INPUT") == digests.of_file(uncal)
    assert len(card("copy_rate.fits")) == 2 * digests.SIZE
    assert did_nothing(uncal, output_ext=ext)


def test_call_gives_no_key_and_keeps_none(uncal):
    run(uncal, save_calibrated_ramp=True)
    assert card("jw1_ramp.fits") == card()
    again = JumpStep.call("jw1_ramp.fits", save_results=True, configure_log=False)
    assert "GP_KEY" not in fits.getheader("jw1_jump.fits")
    assert "GP_KEY" not in str(again.instance.get("extra_fits"))


def test_an_exposure_that_is_done_is_left_out(uncal):
    run(uncal)
    before = Path("jw1_rate.fits").stat().st_mtime_ns
    lines, events = [], []
    report = gpipe.run(uncal, if_exists="skip", configure_log=False, tell=lines.append, follow=events.append)
    assert lines[-1] == "1/1 jw1  done before  → jw1_rate.fits, _rateints.fits"
    assert str(report).endswith("(1 before)")
    assert report.totals()["done_before"] == 1
    assert [event.event for event in events] == ["planned", "started", "done", "summary"]
    assert events[2].values["before"] is True
    assert Path("jw1_rate.fits").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "how",
    [
        {"steps": {"jump": {"maximum_cores": "half"}}},
        {"max_memory": "2 MB", "cores": 1, "overwrite_input": True},
    ],
)
def test_how_it_is_made_does_not_matter(uncal, how):
    run(uncal)
    assert did_nothing(uncal, **how)


@pytest.mark.parametrize(
    "what",
    [
        {"steps": {"jump": {"rejection_threshold": 5}}},
        {"steps": {"jump": {"skip": True}}},
        {"save_calibrated_ramp": True},
        {"steps": {"jump": {"post_hooks": ["true {}"]}}},
    ],
)
def test_what_it_is_made_of_matters(uncal, what):
    run(uncal)
    assert not did_nothing(uncal, **what)


def test_another_input_under_the_same_name_is_calibrated(uncal):
    run(uncal)
    with fits.open(uncal, mode="update") as hdus:
        hdus["SCI"].data[0, 0, 5, 5] += 1
    assert not did_nothing(uncal)
    assert did_nothing(uncal)


def test_an_override_counts_by_its_content(uncal, simulated):
    gain = next(Path(simulated[1].folder).rglob("*_gain_*.fits"))
    shutil.copy(gain, "gain.fits")
    options = {"steps": {name: {"override_gain": "gain.fits"} for name in ("jump", "ramp_fit")}}
    run(uncal, **options)
    shutil.copy("gain.fits", "same.fits")
    same = {"steps": {name: {"override_gain": "same.fits"} for name in ("jump", "ramp_fit")}}
    assert did_nothing(uncal, **same)
    with fits.open("gain.fits", mode="update") as hdus:
        hdus["SCI"].data *= 2
    assert not did_nothing(uncal, **options)
    assert not did_nothing(uncal)


def test_a_file_that_a_parameter_names_counts_by_its_content(uncal):
    mask = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(fits.getdata(uncal)[0, 0] * 0, name="DQ")])
    mask.writeto("mask.fits")
    options = {"steps": {"dq_init": {"user_supplied_dq": "mask.fits"}}}
    run(uncal, **options)
    assert did_nothing(uncal, **options)
    mask["DQ"].data[3, 3] = 1
    mask.writeto("mask.fits", overwrite=True)
    assert not did_nothing(uncal, **options)


def test_another_version_calibrates_again(uncal, monkeypatch):
    run(uncal)
    monkeypatch.setattr(digests, "software", lambda: "another")
    assert not did_nothing(uncal)


def test_a_product_that_is_missing_truncated_or_of_another_run_is_made_again(uncal):
    def spoiled(spoil):
        spoil(Path("jw1_rateints.fits"))
        return not did_nothing(uncal)

    run(uncal)
    assert spoiled(Path.unlink)
    assert spoiled(lambda path: path.write_bytes(path.read_bytes()[:-5000]))
    assert spoiled(lambda path: fits.setval(path, "GP_KEY", value="0" * 40))
    assert spoiled(lambda path: fits.delval(path, "GP_KEY"))
    assert did_nothing(uncal)


def test_an_input_is_digested_once(uncal, monkeypatch):
    read = []
    plainly = digests._read
    monkeypatch.setattr(digests, "_read", lambda file: read.append(file.path) or plainly(file))
    run(uncal)
    assert did_nothing(uncal)
    assert read == [str(uncal)]
    with pytest.raises(InputError, match="cannot be read"):
        digests.of_file("missing.fits")


def test_code_of_a_user_has_no_key(uncal):
    class Mine(Detector1Pipeline):
        pass

    run(uncal, pipeline=Mine)
    assert "GP_KEY" not in fits.getheader("jw1_rate.fits")
    assert not did_nothing(uncal, pipeline=Mine)


def test_parameters_that_change_nothing_exist_and_those_that_save_do_no_more():
    classes = [entry.cls for entry in available() if entry.cls]
    owners = {owner for cls in classes for owner in (cls, *cls.substeps().values())}
    declared = {name: parameter for owner in owners for name, parameter in owner.parameters().items()}
    assert set(declared) >= keys.CHANGE_NOTHING
    saving = {name: parameter.help for name, parameter in declared.items() if name.startswith("save_")}
    assert not [name for name, meaning in saving.items() if "save" not in meaning.lower()]
