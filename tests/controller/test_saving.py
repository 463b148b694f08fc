"""Products of a run on disk: where, whole or not at all, and never unasked for."""

import errno
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe.controller.products import saving
from gpipe.controller.products.background_writer import background_writing
from gpipe.controller.products.naming import OutputSettings
from gpipe.controller.products.saving import Saver, check_folder
from gpipe.datamodels import Ramp
from gpipe.datamodels.files.disk import fits_writer
from gpipe.exceptions import OutputError

HERE = [OutputSettings(save_results=True)]
LONG = 30.0


@pytest.fixture(autouse=True)
def in_a_fresh_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def image():
    model = datamodels.ImageModel(np.full((4, 5), 7, np.float32))
    model.meta.filename = "x_uncal.fits"
    return model


def levels(**settings):
    return [OutputSettings(**settings)]


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_model_is_written(image, tmp_path):
    saver = Saver("in/x_uncal.fits")
    path = saver.save(image, HERE, default_suffix="detector1", suffix="rate")
    assert everything(tmp_path) == ["x_rate.fits"]
    assert saver.written == [path]
    assert image.meta.filename == "x_rate.fits"
    with datamodels.open(path) as back:
        assert (back.data == 7).all()
        assert back.meta.filename == "x_rate.fits"


def test_an_exposure_in_flight_is_written(tmp_path):
    header = datamodels.RampModel()
    header.meta.filename = "x_uncal.fits"
    ramp = Ramp(
        header,
        gpipe.backends.get("numpy"),
        data=np.full((1, 2, 3, 4), 5, np.float32),
        groupdq=np.ones((1, 2, 3, 4), np.uint8),
        pixeldq=np.zeros((3, 4), np.uint32),
    )
    path = Saver("x_uncal.fits").save(ramp, HERE, default_suffix="jump")
    with fits.open(path) as hdus:
        assert (hdus["SCI"].data == 5).all()
        assert (hdus["GROUPDQ"].data == 1).all()
    assert ramp.meta.filename == "x_jump.fits"
    assert (ramp.data == 5).all()


def test_folders_are_made_with_their_parents(image, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHERE", "b")
    saver = Saver("x_uncal.fits")
    saver.save(image, levels(output_dir="a/$WHERE/c"), default_suffix="jump")
    saver.save(image, levels(output_dir="~/out"), default_suffix="jump")
    saver.save(image, levels(output_file="sub/y.fits"), default_suffix="jump")
    files = [path for path in everything(tmp_path) if path.endswith(".fits")]
    assert files == ["a/b/c/x_jump.fits", "home/out/x_jump.fits", "sub/y_jump.fits"]


def test_an_existing_file_is_replaced(image, tmp_path):
    (tmp_path / "x_jump.fits").write_text("old")
    path = Saver("x_uncal.fits").save(image, HERE, default_suffix="jump")
    assert fits.getdata(path)[0, 0] == 7


def test_several_results_are_numbered(image, tmp_path):
    saver = Saver("x_uncal.fits")
    for index in range(2):
        saver.save(image, HERE, default_suffix="ramp_fit", index=index)
    assert everything(tmp_path) == ["x_0_ramp_fit.fits", "x_1_ramp_fit.fits"]


def test_results_with_suffixes_of_their_own(image, tmp_path):
    saver = Saver("x_uncal.fits")
    for suffix in ("rate", "rateints"):
        saver.save(image, HERE, default_suffix="detector1", suffix=suffix)
    assert everything(tmp_path) == ["x_rate.fits", "x_rateints.fits"]


def test_a_product_that_a_parameter_names(image, tmp_path):
    Saver("x_uncal.fits").save(image, levels(output_dir="od"), default_suffix="dark", output_file="mydark.fits")
    assert everything(tmp_path) == ["od", "od/mydark.fits"]


def test_two_products_of_one_run_do_not_share_a_file(image, tmp_path):
    saver = Saver("x_uncal.fits")
    saver.save(image, HERE, default_suffix="jump", suffix="zzz")
    with pytest.raises(OutputError, match=r"x_zzz\.fits: .*same run"):
        saver.save(image, levels(output_dir=str(tmp_path)), default_suffix="superbias", suffix="zzz")


def test_another_run_may_replace_the_file(image):
    Saver("x_uncal.fits").save(image, HERE, default_suffix="jump")
    Saver("x_uncal.fits").save(image, HERE, default_suffix="jump")


def test_a_full_disk_leaves_nothing_new_and_nothing_damaged(image, tmp_path, monkeypatch):
    (tmp_path / "x_jump.fits").write_text("old")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fits_writer, "_write_pixels", full)
    for settings in ({"save_results": True}, {"output_dir": "a/b"}):
        with pytest.raises(OutputError, match="No space left on device") as caught:
            Saver("x_uncal.fits").save(image, levels(**settings), default_suffix="jump")
        assert "\n" not in str(caught.value)
    assert everything(tmp_path) == ["x_jump.fits"]
    assert (tmp_path / "x_jump.fits").read_text() == "old"
    assert image.meta.filename == "x_uncal.fits"


def test_a_product_made_ready_in_a_folder_of_another_that_fails_leaves_nothing(image, tmp_path, monkeypatch):
    begun, both_ready = threading.Event(), threading.Event()

    def full(*args, **kwargs):
        begun.set()
        assert both_ready.wait(LONG)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fits_writer, "_write_pixels", full)
    saver = Saver("x_uncal.fits")

    def save_both():
        with background_writing():
            saver.save(image.copy(), levels(output_dir="a/b"), default_suffix="detector1", suffix="rate")
            assert begun.wait(LONG)
            saver.save(image.copy(), levels(output_dir="a/b"), default_suffix="detector1", suffix="rateints")
            both_ready.set()

    with pytest.raises(OutputError, match=r"x_rate\.fits"):
        save_both()
    assert everything(tmp_path) == []


def test_an_interruption_leaves_nothing(image, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(fits_writer, "_write_pixels", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Saver("x_uncal.fits").save(image, levels(output_dir="a/b"), default_suffix="jump")
    assert everything(tmp_path) == []


def test_a_folder_that_a_file_is_in_the_way_of(image, tmp_path):
    (tmp_path / "taken").write_text("a file")
    for where in ("taken", "taken/deeper"):
        with pytest.raises(OutputError, match=r"found a file .*taken, expected a folder"):
            check_folder(levels(output_dir=where))
        with pytest.raises(OutputError, match="cannot be made"):
            Saver("x_uncal.fits").save(image, levels(output_dir=where), default_suffix="jump")
    assert everything(tmp_path) == ["taken"]


def test_a_folder_without_permission_is_told_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(saving.os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(OutputError, match=f"no permission to write to {tmp_path}, expected a writable folder"):
        check_folder(levels(output_dir="new/deep"))


def test_looking_at_a_folder_makes_nothing(tmp_path):
    check_folder(levels(output_dir="new/deep"))
    check_folder(levels())
    assert everything(tmp_path) == []


class Growing:
    """A product that takes over what an existing file holds."""

    def __init__(self, text):
        self.text, self.meta = text, SimpleNamespace(filename=None)

    def joined_with(self, path):
        return Growing(path.read_text() + self.text)

    def save(self, path):
        Path(path).write_text(self.text)
        return path


def test_a_product_that_grows_an_existing_file(tmp_path):
    for text in ("one ", "two"):
        Saver("x_uncal.fits").save(Growing(text), levels(output_ext=".asdf"), default_suffix="s", output_file="w.asdf")
    assert everything(tmp_path) == ["w.asdf"]
    assert Path("w.asdf").read_text() == "one two"
