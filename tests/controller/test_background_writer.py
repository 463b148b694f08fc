import errno
import threading

import numpy as np
import pytest
from helpers.stub_steps import AddStep, uncal

from gpipe.controller import Produced
from gpipe.controller.products import background_writer, saving
from gpipe.controller.products.background_writer import background_writing, write_out
from gpipe.datamodels.files.disk import fits_writer
from gpipe.exceptions import ExposureErrors, OutputError

LONG = 30.0


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"jw0{number}_uncal.fits" for number in range(3)]
    for name in names:
        uncal().save(tmp_path / name)
    return names


def products(folder):
    return sorted(path.name for path in folder.iterdir() if "uncal" not in path.name)


def test_files_are_written_while_the_next_exposure_is_worked_on(paths, tmp_path, monkeypatch):
    next_one_works, waited = threading.Event(), []
    write_pixels, apply = fits_writer._write_pixels, AddStep.apply

    def write_later(file, pixels):
        waited.append(next_one_works.wait(LONG))
        write_pixels(file, pixels)

    def apply_and_tell(self, exposure, references):
        if exposure.meta.filename == paths[1]:
            next_one_works.set()
        return apply(self, exposure, references)

    monkeypatch.setattr(fits_writer, "_write_pixels", write_later)
    monkeypatch.setattr(AddStep, "apply", apply_and_tell)
    results = AddStep.call(paths, save_results=True)
    assert waited
    assert all(waited)
    assert products(tmp_path) == [f"jw0{number}_add.fits" for number in range(3)]
    assert [result.meta.filename for result in results] == products(tmp_path)


def test_files_are_those_of_calls_one_by_one(paths, tmp_path):
    AddStep.call(paths, save_results=True)
    for path in paths:
        AddStep.call(path, save_results=True, output_dir="alone")
    for name in products(tmp_path / "alone"):
        together, alone = ((folder / name).read_bytes() for folder in (tmp_path, tmp_path / "alone"))
        assert len(together) == len(alone)
        pixels = np.asarray(uncal().data, dtype=">f4") + np.float32(1)
        assert pixels.astype(">f4").tobytes() in together
        assert pixels.astype(">f4").tobytes() in alone


def test_a_file_that_cannot_be_written_is_told_at_the_end_and_the_others_are_whole(paths, tmp_path, monkeypatch):
    write_pixels, failing = fits_writer._write_pixels, iter([True])

    def fail_once(file, pixels):
        if next(failing, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        write_pixels(file, pixels)

    monkeypatch.setattr(fits_writer, "_write_pixels", fail_once)
    with pytest.raises(ExposureErrors, match=r"jw00_add\.fits: cannot be written \(.*No space left") as caught:
        AddStep.call(paths, save_results=True)
    assert [type(error) for error in caught.value.exceptions] == [OutputError]
    assert products(tmp_path) == ["jw01_add.fits", "jw02_add.fits"]


def test_no_more_files_wait_than_one_exposure_has():
    free, begun = threading.Event(), []

    def put(number):
        begun.append(number)
        assert free.wait(LONG)

    threading.Timer(0.1, free.set).start()
    with background_writing():
        for number in range(background_writer.FILES + 1):
            write_out(lambda number=number: put(number))
        assert free.is_set()
    assert sorted(begun) == [0, 1, 2]


def test_files_of_an_exposure_are_written_at_the_same_time():
    together = threading.Barrier(background_writer.FILES)
    with background_writing():
        for _ in range(background_writer.FILES):
            write_out(lambda: together.wait(LONG))
    assert not together.broken


def test_outside_of_the_block_files_are_written_at_once():
    done = []
    write_out(lambda: done.append(1))
    assert done == [1]


def test_a_block_inside_another_leaves_waiting_to_it():
    free, done = threading.Event(), []
    with background_writing() as waits:
        with background_writing() as inner_waits:
            write_out(lambda: (free.wait(LONG), done.append(1)))
        assert (waits, inner_waits, done) == (True, False, [])
        free.set()
    assert done == [1]


def test_a_file_is_written_while_the_next_product_is_made_ready(paths, tmp_path, monkeypatch, caplog):
    class Twice(AddStep):
        def apply(self, exposure, references):
            return Produced((super().apply(exposure, references),) * 2)

    next_one_begins, waited = threading.Event(), []
    write_pixels, prepared = fits_writer._write_pixels, saving.prepared

    def write_later(file, pixels):
        waited.append(next_one_begins.wait(LONG))
        write_pixels(file, pixels)

    def prepare_and_tell(model, path):
        if "_1_" in path.name:
            next_one_begins.set()
        return prepared(model, path)

    monkeypatch.setattr(fits_writer, "_write_pixels", write_later)
    monkeypatch.setattr(saving, "prepared", prepare_and_tell)
    with caplog.at_level("INFO", "gpipe"):
        Twice.call(paths[0], save_results=True, configure_log=False)
    assert waited
    assert all(waited)
    assert products(tmp_path) == ["jw00_0_add.fits", "jw00_1_add.fits"]
    assert [line for line in caplog.messages if "jw00_" in line and "add" in line] == [
        f"Saved jw00_{number}_add.fits" for number in range(2)
    ]
