"""Several runs in one process at once: each has a log of its own, and the process is as before."""

import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.stub_steps import AddStep, RatePipeline, uncal

from gpipe.arrays.blocks import for_each
from gpipe.controller.reporting import records
from gpipe.controller.run.chunks import in_turn
from gpipe.datamodels.files.writing import _Whole

LONG = 30.0


class MeetingStep(AddStep):
    """Logs, from its thread and from workers, while another exposure is in the step; the first one leaves first."""

    alias = "meeting"

    def apply(self, exposure, references):
        name = exposure.meta.filename
        self.first_is_in.set()
        self.meet.wait(LONG)
        log = logging.getLogger("gpipe.meeting")
        log.info("line of %s", name)
        for_each(lambda number: log.info("worker %d of %s", number, name), range(3), workers=2)
        list(in_turn(lambda number: log.info("chunk %d of %s", number, name), range(3), 2))
        warnings.warn(f"warning of {name}", UserWarning, stacklevel=1)
        self.meet.wait(LONG)
        if name != "jw00_uncal.fits":
            assert self.first_is_out.wait(LONG)
        return super().apply(exposure, references)


def named(number):
    model = uncal()
    model.meta.filename = f"jw0{number}_uncal.fits"
    return model


def state():
    loggers = [logging.getLogger(name) for name in (*records.LOGGERS, None)]
    of_loggers = [(logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    return of_loggers, list(warnings.filters), warnings.showwarning, logging._warnings_showwarning


@pytest.fixture
def runs(monkeypatch):
    """Runs of two exposures at once, the first of which ends before the other; the products' logs by exposure."""

    def both(**parameters):
        monkeypatch.setattr(MeetingStep, "meet", threading.Barrier(2), raising=False)
        for event in ("first_is_in", "first_is_out"):
            monkeypatch.setattr(MeetingStep, event, threading.Event(), raising=False)

        def one(number):
            if number > 0:
                assert MeetingStep.first_is_in.wait(LONG)
            result = MeetingStep.call(named(number), **parameters)
            if number == 0:
                MeetingStep.first_is_out.set()
            return result

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(one, range(2)))
        return {result.meta.filename: list(result.cal_logs.meeting) for result in results}

    return both


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_product_has_the_lines_of_its_run_only(runs, capsys):
    for name, lines in runs().items():
        assert sum(f"line of {name}" in line for line in lines) == 1
        assert sum("worker" in line for line in lines) == sum("chunk" in line for line in lines) == 3
        assert sum("warning of" in line for line in lines) == 1
        assert all(name in line for line in lines if " of jw0" in line)
        assert sum(" - INFO - meeting " in line for line in lines) == 1
    err = capsys.readouterr().err
    assert err.count("line of jw00_uncal.fits") == err.count("line of jw01_uncal.fits") == 1, "shown once"


@pytest.mark.filterwarnings("default::UserWarning")
def test_levels_handlers_and_warnings_are_as_before(runs):
    before = state()
    runs()
    assert state() == before


def test_each_of_two_runs_shows_what_it_is_asked_to(tmp_path):
    (tmp_path / "quiet.cfg").write_text("[*]\nhandler = append:quiet.log\nlevel = WARNING\n")
    (tmp_path / "loud.cfg").write_text("[*]\nhandler = append:loud.log\nlevel = DEBUG\n")
    configurations = [records_of("quiet.cfg"), records_of("loud.cfg")]
    log = logging.getLogger("gpipe.some.step")
    with records.installed(configurations[1]):
        thread = threading.Thread(target=log_inside, args=(configurations[0], log))
        thread.start()
        thread.join()
        log.debug("details")
    assert (tmp_path / "quiet.log").read_text().count("\n") == 1
    assert "details" in (tmp_path / "loud.log").read_text()
    assert "careful" not in (tmp_path / "loud.log").read_text()


def records_of(name):
    from gpipe.controller.reporting.logs import read_configuration

    return read_configuration(name)


def log_inside(configuration, log):
    with records.installed(configuration):
        log.info("not asked for")
        log.warning("careful")


def test_a_logger_that_a_user_has_made_talkative_stays_so(model, capsys):
    log = logging.getLogger("gpipe.controller.run")
    log.setLevel(logging.DEBUG)
    try:
        with records.installed(records_of(None)):
            logging.getLogger("gpipe.controller.run.step_run").debug("seen")
            logging.getLogger("gpipe.datamodels").debug("not seen")
    finally:
        log.setLevel(logging.NOTSET)
    assert [line.rsplit(" - ", 1)[1] for line in capsys.readouterr().err.splitlines()] == ["seen"]


def test_what_others_log_meanwhile_is_still_shown(capsys):
    """Handlers of a run keep Python's last resort from showing it."""
    with records.installed(records_of(None)), records.recorded() as lines:
        thread = threading.Thread(target=lambda: logging.getLogger("stdatamodels").warning("of a user's thread"))
        thread.start()
        thread.join()
    assert "of a user's thread" in capsys.readouterr().err
    assert lines == []


def test_a_line_that_cannot_be_made_ends_no_run(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger("gpipe"), "propagate", False)  # pytest's handlers raise an error for it
    with records.recorded() as lines:
        logging.getLogger("gpipe.hook").warning("%d samples", "many")
        logging.getLogger("gpipe.hook").warning("next")
    assert len(lines) == 1
    assert "Logging error" in capsys.readouterr().err


def test_asdf_products_are_written_by_the_thread_of_the_call(path, monkeypatch):
    """What writes them changes Python's filters of warnings; threads in the background must not."""
    before, threads, write = state(), [], _Whole.write

    def noted(self, path):
        threads.append(threading.current_thread())
        write(self, path)

    monkeypatch.setattr(_Whole, "write", noted)
    RatePipeline.call([path], save_results=True, output_ext=".asdf")
    assert threads == [threading.current_thread()] * 2
    assert state() == before
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)
