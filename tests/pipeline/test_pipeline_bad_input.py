"""Errors of a user: one line says what was found and what was expected, and no file is made or changed.

Each case goes through ``Detector1Pipeline.call`` with an output folder that holds earlier products of the same names.
"""

import errno
import os
import resource
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from gpipe import simulate
from gpipe.exceptions import InputError, OutputError, ParameterError, ReferenceFileError
from gpipe.pipeline import Detector1Pipeline

CONFIG = simulate.ExposureConfig(detector="NRCALONG", readpatt="RAPID", subarray="SUB64P", ngroups=4, seed=5)
BASE = CONFIG.file_name.removesuffix("_uncal.fits")
UNCAL = CONFIG.file_name
EARLIER = [f"out/{BASE}_{suffix}.fits" for suffix in ("rate", "rateints")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A good exposure, its result, and the references that calibrate it."""
    folder = tmp_path_factory.mktemp("made")
    exposure = simulate.write_exposure(CONFIG, folder)
    cache = simulate.write_cache([CONFIG], folder / "cache", full_frame=False)
    with cache.activated():
        Detector1Pipeline.call(exposure.path, output_dir=str(folder), configure_log=False)
    return folder, cache


@pytest.fixture(autouse=True)
def good_exposure(made, tmp_path, monkeypatch):
    """The path of an exposure that a test may damage, in the working folder; earlier products are in ``out``."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(made[0] / UNCAL, tmp_path)
    Path("out").mkdir()
    for name in EARLIER:
        Path(name).write_bytes(b"an earlier product")
    with made[1].activated():
        yield Path(UNCAL)


def snapshot():
    return {path: path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}


def refused(error, *words, source=UNCAL, **keywords):
    """Assert that a call is refused by this class of error, in one line with these words, and that no file changes."""
    before = snapshot()
    with pytest.raises(error) as caught:
        Detector1Pipeline.call(source, configure_log=False, **{"output_dir": "out", **keywords})
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, f"{word!r} is not in {message!r}"
    assert snapshot() == before


@contextmanager
def headers():
    """The extensions of the exposure, to be changed; the ASDF extension, which repeats metadata, goes."""
    with fits.open(UNCAL, mode="update") as hdus:
        yield hdus
        del hdus["ASDF"]


# --- exposures -------------------------------------------------------------------------------------------------------


def test_the_good_exposure_is_calibrated():
    Detector1Pipeline.call(UNCAL, output_dir="out", configure_log=False)
    assert sorted(map(str, Path("out").iterdir())) == EARLIER
    assert all(Path(name).read_bytes().startswith(b"SIMPLE") for name in EARLIER)


def test_no_such_file():
    refused(InputError, "nothing_uncal.fits: no such file", source="nothing_uncal.fits")


def test_not_a_fits_file(good_exposure):
    good_exposure.write_text("This is not a FITS file.\n" * 200)
    refused(InputError, f"{UNCAL}: not a FITS file (it starts with b'This is not", "expected 'SIMPLE")


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_a_truncated_file(good_exposure, kept):
    content = good_exposure.read_bytes()
    good_exposure.write_bytes(content[: int(kept * len(content))])
    refused(InputError, UNCAL, "truncated", "expected a whole FITS file")


def test_a_rate_file(made):
    shutil.copy(made[0] / f"{BASE}_rate.fits", ".")
    name = f"{BASE}_rate.fits"
    refused(InputError, f"{name}: found a count-rate product", "ImageModel", "expected a ramp", source=name)


def test_an_open_rate_model(made):
    with datamodels.open(made[0] / f"{BASE}_rate.fits") as model:
        refused(InputError, f"{BASE}_rate.fits: found a count-rate product", "expected a ramp", source=model)


def test_a_reference_file(made):
    gain = str(made[1].reference("nircam", "gain"))
    refused(InputError, gain, "found a GAIN reference file", "expected a ramp", source=gain)


def test_no_science_array():
    with headers() as hdus:
        del hdus["SCI"]
    refused(InputError, f"{UNCAL}: found no science array (SCI)", "expected a ramp")


def test_a_time_that_is_not_a_number():
    with headers() as hdus:
        hdus[0].header["TGROUP"] = "NaN"
    refused(InputError, f"{UNCAL}: found 'NaN' for meta.exposure.group_time", "expected a finite number")


def test_a_time_that_is_nan_in_a_model():
    with datamodels.open(UNCAL) as model:
        model.meta.exposure.instance["frame_time"] = np.nan
        refused(
            InputError, f"{UNCAL}: found nan for meta.exposure.frame_time", "expected a finite number", source=model
        )


def test_an_unknown_instrument():
    with headers() as hdus:
        hdus[0].header["INSTRUME"] = "WFC3"
    refused(InputError, UNCAL, "meta.instrument.name", "expected")


@pytest.mark.parametrize(
    ("keyword", "value", "found"),
    [
        ("SUBSTRT1", 2040, "2040"),
        ("SUBSTRT2", 0, "rows 0-63"),
        ("SUBSIZE1", 160, "xsize=160"),
        ("SUBSIZE2", 32, "ysize=32"),
    ],
)
def test_wrong_corners_of_the_subarray(keyword, value, found):
    with headers() as hdus:
        hdus[0].header[keyword] = value
    refused(InputError, f"{UNCAL}: found meta.subarray", found, "expected")


def test_corners_that_no_reference_covers():
    with headers() as hdus:
        hdus[0].header["SUBSTRT1"] = 1
    with pytest.raises(ReferenceFileError) as caught:
        Detector1Pipeline.call(UNCAL, configure_log=False)
    line = str(caught.value)
    assert line.endswith(f"expected a reference that covers columns 1-64, rows 1911-1974 (exposure: {UNCAL})")
    assert line.count("expected") == 1
    assert len(line) < 1200
    assert "\n" not in line


# --- references ------------------------------------------------------------------------------------------------------


@pytest.fixture
def gain(made):
    """The path of a good gain reference that a test may damage."""
    return Path(shutil.copy(made[1].reference("nircam", "gain"), "gain.fits"))


def overridden(path):
    return {"steps": {"jump": {"override_gain": str(path)}}}


def test_a_reference_of_another_size(gain):
    with fits.open(gain, mode="update") as hdus:
        hdus["SCI"].data = np.ones((32, 32), np.float32)
        hdus[0].header.update(SUBSIZE1=32, SUBSIZE2=32)
    refused(ReferenceFileError, "override_gain", "gain.fits: found columns", "expected", **overridden(gain))


def test_a_reference_with_another_number_of_axes(gain):
    with fits.open(gain, mode="update") as hdus:
        hdus["SCI"].data = np.ones((3, 64, 64), np.float32)
    refused(ReferenceFileError, "override_gain", "data of shape (3, 64, 64)", "expected 2 axes", **overridden(gain))


def test_a_reference_of_another_type(gain, made):
    dark = made[1].reference("nircam", "dark")
    refused(ReferenceFileError, "override_gain", str(dark), "found REFTYPE = DARK", "expected gain", **overridden(dark))


def test_a_reference_that_does_not_exist():
    refused(ReferenceFileError, "override_gain", "nothing.fits: no such file", **overridden("nothing.fits"))


def test_a_truncated_reference(gain):
    gain.write_bytes(gain.read_bytes()[:-8000])
    refused(ReferenceFileError, "override_gain", "gain.fits: truncated", "expected a whole", **overridden(gain))


def test_a_reference_that_the_cache_lacks(made, monkeypatch, tmp_path_factory):
    copy = tmp_path_factory.mktemp("incomplete") / "cache"
    shutil.copytree(made[1].folder, copy)
    path = copy / made[1].reference("nircam", "gain").relative_to(made[1].folder)
    path.unlink()
    monkeypatch.setenv("CRDS_PATH", str(copy))
    refused(ReferenceFileError, path.name, "missing in the CRDS cache", str(copy))


# --- parameters ------------------------------------------------------------------------------------------------------


def test_a_parameter_file_that_is_not_yaml():
    Path("mine.asdf").write_text("steps:\n- class: jwst.jump.jump_step.JumpStep\n  parameters: {skip: true\n")
    refused(ParameterError, "parameter file mine.asdf, line 4", "not valid YAML", config_file="mine.asdf")


FOREIGN = [
    ("class: subprocess.Popen\nparameters: {args: [touch, harm]}\n", "expected gpipe's Detector1Pipeline"),
    ("class: harmful.Detector2Pipeline\n", "expected gpipe's Detector1Pipeline"),
    ("steps:\n- class: harmful.Step\n  parameters: {skip: true}\n", "expected one step of Detector1Pipeline"),
    ("steps:\n- class: harmful.Step\n  name: jump\n  parameters: {skip: true}\n", "expected gpipe's JumpStep"),
]


@pytest.mark.parametrize(("text", "expected"), FOREIGN)
def test_a_parameter_file_that_names_a_foreign_class(text, expected, monkeypatch, tmp_path):
    Path("harmful.py").write_text("open('harm', 'w')\nclass Step: pass\nclass Detector2Pipeline: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    Path("mine.asdf").write_text(text)
    refused(ParameterError, "parameter file mine.asdf", "found class", expected, config_file="mine.asdf")
    assert "harmful" not in sys.modules


def test_an_unknown_parameter_in_a_file():
    Path("mine.asdf").write_text("steps:\n- name: jump\n  parameters: {rejection_treshold: 5}\n")
    words = ("jump", "rejection_treshold", "rejection_threshold", "mine.asdf")
    refused(ParameterError, *words, config_file="mine.asdf")


def test_a_wrong_value():
    steps = {"jump": {"rejection_threshold": "high"}}
    refused(ParameterError, "jump.rejection_threshold: found 'high'", "expected", steps=steps)


# --- output ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["taken", "taken/deeper"])
def test_a_file_in_place_of_the_output_folder(folder):
    Path("taken").write_text("a file")
    refused(OutputError, "output_dir: found a file", "taken", "expected a folder", output_dir=folder)


@pytest.mark.parametrize("step", ["jump", "ramp_fit"])
def test_a_file_in_place_of_the_folder_of_a_step(step):
    Path("taken").write_text("a file")
    steps = {step: {"output_dir": "taken"}}
    refused(OutputError, "output_dir: found a file", "taken", "expected a folder", steps=steps)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_permission():
    Path("locked").mkdir(mode=0o555)
    refused(OutputError, "output_dir: no permission to write to", "locked", "expected a writable", output_dir="locked")


@contextmanager
def files_smaller_than(size):
    """Let the system refuse to write more: files grow up to there, as on a disk that becomes full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("folder", ["out", "new/deep"])
def test_a_product_that_the_system_refuses_half_way(folder):
    with files_smaller_than(50_000):
        refused(OutputError, f"{folder}/{BASE}_rate.fits: cannot be written (", output_dir=folder)


def test_a_full_disk(monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gpipe.datamodels.files.disk.fits_writer._write_pixels", full)
    refused(OutputError, f"out/{BASE}_rate.fits: cannot be written (No space left on device)")


def test_a_disk_that_is_full_from_the_start(monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gpipe.datamodels.files.disk.workspace.tempfile.mkdtemp", full)
    refused(OutputError, f"out/{BASE}_rate.fits: cannot be written (No space left on device)")
