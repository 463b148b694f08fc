"""Lists: all headers first, all exposures tried, all errors told, and the results of those that are done at hand."""

import errno
import gc
import pickle
import threading
import weakref

import pytest
from helpers.stub_steps import AddStep, uncal

from gpipe.controller import several
from gpipe.controller.products.background_writer import background_writing, write_out
from gpipe.datamodels.files.disk import fits_writer
from gpipe.exceptions import BackendError, ExposureErrors, GpipeError, InputError, OutputError, ParameterError

LONG = 30.0


@pytest.fixture
def paths(tmp_path):
    for number in range(4):
        uncal().save(tmp_path / f"jw0{number}_uncal.fits")
    return [str(tmp_path / f"jw0{number}_uncal.fits") for number in range(4)]


def failing(monkeypatch, wrong, before=lambda: None):
    """Let a step fail on files of these numbers."""
    heard, apply = [], AddStep.apply

    def fail(self, exposure, references):
        heard.append(exposure.meta.filename)
        if int(exposure.meta.filename[3]) in wrong:
            before()
            raise InputError(f"{exposure.meta.filename}: is wrong")
        return apply(self, exposure, references)

    monkeypatch.setattr(AddStep, "apply", fail)
    return heard


def full_disk(monkeypatch, *names, after=lambda: None):
    """Let the disk be full for products whose file has one of these numbers."""
    write = fits_writer.FitsPieces.write

    def fail(self, path):
        if any(name in str(path) for name in names):
            after()
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, path)

    monkeypatch.setattr(fits_writer.FitsPieces, "write", fail)


@pytest.mark.parametrize("held", [64, 1])
def test_all_headers_are_read_before_any_work_and_every_wrong_one_is_told(held, paths, tmp_path, monkeypatch):
    monkeypatch.setattr(several, "HEADERS_HELD", held)
    worked = failing(monkeypatch, ())
    (tmp_path / "jw03_uncal.fits").write_text("no FITS")
    with pytest.raises(InputError, match=r"jw03_uncal.fits") as caught:
        AddStep.call([*paths, tmp_path / "none.fits"])
    assert worked == []
    assert len(caught.value.__notes__) == 1
    assert "none.fits" in caught.value.__notes__[0]


@pytest.mark.parametrize("held", [64, 1])
def test_all_exposures_are_tried_and_results_are_reachable(held, paths, tmp_path, monkeypatch):
    monkeypatch.setattr(several, "HEADERS_HELD", held)
    worked = failing(monkeypatch, (1, 2))
    with pytest.raises(ExposureErrors, match=r"2 of 4 exposures failed: jw01.*; jw02_uncal.fits: is wrong") as caught:
        AddStep.call(paths, save_results=True)
    assert worked == [f"jw0{number}_uncal.fits" for number in range(4)]
    error = caught.value
    assert [type(one) for one in error.exceptions] == [InputError, InputError]
    assert error.exceptions[0].__notes__[-1] == f"in {paths[1]} (input 2)"
    assert [result and result.meta.filename for result in error.results] == [
        "jw00_add.fits",
        None,
        None,
        "jw03_add.fits",
    ]
    assert float(error.results[3].data[0, 0, 0, 0]) == 11
    assert sorted(path.name for path in tmp_path.glob("*_add.fits")) == ["jw00_add.fits", "jw03_add.fits"]


def test_an_error_of_the_writer_is_told_beside_that_of_the_next_exposure(paths, monkeypatch):
    writer_failed = threading.Event()
    full_disk(monkeypatch, "jw00", after=writer_failed.set)
    failing(monkeypatch, (1,), before=lambda: writer_failed.wait(LONG))
    with pytest.raises(ExposureErrors, match="2 of 4 exposures failed") as caught:
        AddStep.call(paths, save_results=True)
    assert [str(one) for one in caught.value.exceptions] == [
        "jw00_add.fits: cannot be written (No space left on device)",
        "jw01_uncal.fits: is wrong",
    ]
    assert [result is None for result in caught.value.results] == [False, True, False, False]


def test_all_errors_of_the_writer_are_told_and_results_are_not_lost(paths, monkeypatch):
    full_disk(monkeypatch, "jw00", "jw01", "jw03")
    with pytest.raises(ExposureErrors, match="3 of 4 exposures failed") as caught:
        AddStep.call(paths, save_results=True)
    assert [type(one) for one in caught.value.exceptions] == [OutputError] * 3
    assert [float(result.data[0, 0, 0, 0]) for result in caught.value.results] == [11] * 4


def test_an_interruption_tells_what_went_wrong_before(paths, monkeypatch):
    full_disk(monkeypatch, "jw00")

    def interrupt(job):
        if job.place == 2:
            raise KeyboardInterrupt
        return work(job)

    each = several.each

    def each_with(jobs, given):
        nonlocal work
        work = given
        return each(jobs, interrupt)

    work = None
    monkeypatch.setattr(several, "each", each_with)
    with pytest.raises(KeyboardInterrupt) as caught:
        AddStep.call(paths, save_results=True)
    assert caught.value.__notes__ == ["also: jw00_add.fits: cannot be written (No space left on device)"]


def test_all_files_of_a_block_are_told():
    def fail(number):
        raise OutputError(f"file {number}")

    def write_all(last):
        with background_writing():
            for number in range(3):
                write_out(lambda number=number: fail(number))
            last()

    with pytest.raises(OutputError, match="file 0") as caught:
        write_all(lambda: None)
    assert caught.value.__notes__ == ["also: file 1", "also: file 2"]
    with pytest.raises(ZeroDivisionError) as caught:
        write_all(lambda: 1 / 0)
    assert caught.value.__notes__ == ["also: file 0", "also: file 1", "also: file 2"]


def test_a_failed_exposure_leaves_no_pixels_in_memory(paths, monkeypatch):
    alive, apply = [], AddStep.apply

    def fail(self, exposure, references):
        gc.collect()
        assert not [one for one in alive if one() is not None]
        result = apply(self, exposure, references)
        alive.append(weakref.ref(result.data))
        try:
            raise KeyError(1)
        except KeyError:
            raise InputError("wrong")  # noqa: B904 - an error in the context of another

    monkeypatch.setattr(AddStep, "apply", fail)
    with pytest.raises(ExposureErrors, match="4 of 4 exposures failed: wrong; wrong; wrong; …") as caught:
        AddStep.call(paths)
    assert len(caught.value.exceptions) == 4


def test_the_errors_are_one_of_gpipe_that_can_be_taken_apart_and_sent():
    error = ExposureErrors("2 of 3 failed", [InputError("a"), OutputError("b")], ["result", None, None])
    error.add_note("a note")
    assert isinstance(error, GpipeError)
    assert error.exit_status == 7
    inputs, others = error.split(InputError)
    assert ([str(one) for one in inputs.exceptions], inputs.results) == (["a"], ["result", None, None])
    assert [str(one) for one in others.exceptions] == ["b"]
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.results, again.__notes__) == (
        ExposureErrors,
        str(error),
        error.results,
        ["a note"],
    )
    assert [str(one) for one in again.exceptions] == ["a", "b"]


def test_one_exposure_fails_with_its_error(paths, monkeypatch):
    failing(monkeypatch, (0,))
    with pytest.raises(InputError, match=r"jw00_uncal.fits: is wrong"):
        AddStep.call(paths[0])
    with pytest.raises(ExposureErrors, match="1 of 1 exposures failed"):
        AddStep.call(paths[:1])


@pytest.mark.parametrize(
    ("options", "error"), [({"max_memory": "much"}, ParameterError), ({"backend": "torch"}, BackendError)]
)
@pytest.mark.parametrize(
    "call", [AddStep.call, AddStep.plan, lambda *given, **options: AddStep().run(*given, **options)]
)
def test_options_that_are_wrong_for_all_are_refused_before_the_first(paths, monkeypatch, call, options, error):
    heard = failing(monkeypatch, ())
    with pytest.raises(error):
        call(paths, **options)
    assert heard == []


def test_lines_of_several_exposures_begin_with_their_names(paths, capsys):
    AddStep.call(paths[:2])
    lines = [line for line in capsys.readouterr().err.splitlines() if " - add 0." in line or ": add 0." in line]
    assert [line.split(" - INFO - ")[1].split(": ")[0] for line in lines] == ["jw00_uncal", "jw01_uncal"]


def test_lines_of_one_exposure_have_no_name(paths, capsys):
    AddStep.call(paths[0])
    assert " - INFO - add 0." in capsys.readouterr().err


def test_errors_are_returned_in_the_place_of_results(paths, tmp_path, monkeypatch):
    worked = failing(monkeypatch, (1,))
    (tmp_path / "jw03_uncal.fits").write_text("no FITS")
    results = AddStep.call([*paths, tmp_path / "none.fits"], on_error="return")
    assert worked == [f"jw0{number}_uncal.fits" for number in range(3)]
    kinds = [type(one).__name__ for one in results]
    assert kinds == ["RampModel", "InputError", "RampModel", "InputError", "InputError"]
    assert results[1].__notes__[-1] == f"in {paths[1]} (input 2)"


def test_notes_of_errors_are_sent_with_them(paths, monkeypatch):
    failing(monkeypatch, (1,))
    with pytest.raises(ExposureErrors) as caught:
        AddStep.call(paths[:2])
    caught.value.results = []  # models are not sent
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.exceptions[0].__notes__ == caught.value.exceptions[0].__notes__ != []


def test_a_way_to_treat_errors_that_is_none():
    with pytest.raises(ParameterError, match="on_error: found 'ignore', expected 'raise' or 'return'"):
        AddStep.call([], on_error="ignore")
