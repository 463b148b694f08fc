"""Text that no FITS header can hold, and inputs that are no regular files: told before work, nothing is written."""

import os

import pytest
from helpers.stub_steps import AddStep, StubPipeline
from stdatamodels.jwst import datamodels

from gpipe.exceptions import InputError, OutputError


@pytest.fixture
def odd_path(path):
    return path.rename(path.with_name("jw01_é_uncal.fits"))


@pytest.mark.parametrize(
    ("step", "saving"),
    [(AddStep, {"save_results": True}), (StubPipeline, {"save_ramp": True}), (AddStep, {"output_dir": "out"})],
)
def test_a_name_that_no_fits_header_holds_is_refused_before_work(step, saving, odd_path):
    before = sorted(odd_path.parent.rglob("*"))
    heard = []
    with pytest.raises(
        InputError, match=r"é_uncal.fits: found 'jw01_é_uncal.fits' for the file name; expected printable"
    ):
        step.call(odd_path, post_hooks=[heard.append], **saving)
    assert (heard, sorted(odd_path.parent.rglob("*"))) == ([], before)


def test_such_a_name_does_no_harm_where_no_header_has_it(odd_path):
    assert AddStep.call(odd_path).data[0, 0, 0, 0] == 11
    AddStep.call(odd_path, output_file="plain")
    AddStep.call(odd_path, save_results=True, output_ext=".asdf")
    assert {"plain_add.fits", "jw01_é_add.asdf"} <= set(os.listdir())


@pytest.mark.parametrize("text", ["Müller", "two\nlines", "bell\a"])
def test_metadata_that_no_fits_header_holds_are_refused_before_work(text, path, tmp_path):
    with datamodels.RampModel(str(path)) as model:
        model.meta.target.instance["proposer_name"] = text
        with pytest.raises(InputError, match=r"found '.*' for meta.target.proposer_name; expected printable ASCII"):
            AddStep.call(model, save_results=True)
        assert AddStep.call(model).meta.target.proposer_name == text
    assert not (tmp_path / "jw01_add.fits").exists()


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_numbers_that_no_fits_header_holds_are_refused_before_work(number, path, tmp_path):
    with datamodels.RampModel(str(path)) as model:
        model.meta.target.instance["ra"] = number
        with pytest.raises(InputError, match=r"found (inf|nan) for meta.target.ra; expected a finite number"):
            AddStep.call(model, save_results=True)
        AddStep.call(model)
    assert not (tmp_path / "jw01_add.fits").exists()


@pytest.mark.parametrize("name", ["asn.json", "x_uncal.fits", "x_uncal.fits.gz", "x_ramp.asdf"])
def test_a_pipe_is_not_waited_for(name):
    os.mkfifo(name)
    with pytest.raises(InputError, match=rf"{name}.*found a FIFO; expected a regular file"):
        AddStep.call(name)


@pytest.mark.filterwarnings("ignore:.*associations in YAML")
def test_a_yaml_association_cannot_grow(tmp_path):
    levels = [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    (tmp_path / "asn.yaml").write_text("\n".join(["a0: &a0 [x, x]", *levels]))
    with pytest.raises(InputError, match=r"asn.yaml: no valid association: .*more than 1000000 nodes") as caught:
        AddStep.call("asn.yaml")
    assert len(str(caught.value)) < 300


def test_an_input_in_the_home_folder_is_not_written_over(path, monkeypatch):
    monkeypatch.setenv("HOME", str(path.parent))
    content = path.read_bytes()
    with pytest.raises(OutputError, match=r"jw01_uncal\.fits: found an input under the name of a product"):
        AddStep.call("~/jw01_uncal.fits", save_results=True, suffix="uncal")
    assert path.read_bytes() == content


def test_a_name_with_nul_is_no_path():
    with pytest.raises(InputError, match=r"found NUL in the path 'a\\x00b_uncal.fits'"):
        AddStep.call("a\0b_uncal.fits", save_results=True)
