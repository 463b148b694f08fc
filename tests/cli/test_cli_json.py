"""Answers for programs: every line of ``--json`` is an object that the schema in the package describes."""

import importlib.resources
import json
import pickle
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from helpers.simulated import small

from gpipe import simulate
from gpipe.batch.events import failure
from gpipe.cli import main
from gpipe.exceptions import (
    BackendError,
    GpipeError,
    InputError,
    NoScienceDataError,
    OutputError,
    ParameterError,
    ReferenceFileError,
)
from gpipe.jump import JumpStep

TEXT = importlib.resources.files("gpipe.batch").joinpath("event.schema.json").read_text()
SCHEMA = jsonschema.Draft202012Validator(json.loads(TEXT))
FILES = ["jw1_uncal.fits", "jw2_uncal.fits", "jw3_uncal.fits"]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    path = simulate.write_exposure(small(), folder).path
    return path, simulate.write_cache([small()], folder / "crds_cache", full_frame=False)


@pytest.fixture(autouse=True)
def files(simulated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, cache = simulated
    for name, value in cache.environment.items():
        monkeypatch.setenv(name, value)
    for name in FILES:
        shutil.copy(path, name)


def answer(*arguments):
    """Run a command; its objects, each valid, and its exit status."""
    done = CliRunner().invoke(main, [*arguments, "--json"])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return events, done.exit_code


def run(*arguments):
    events, status = answer("run", *arguments)
    for event in events:
        SCHEMA.validate(event)
    return events, status


def test_events_of_a_run(tmp_path):
    (tmp_path / FILES[1]).write_text("no FITS file")
    events, status = run(*FILES, "-o", "cal", "-q")
    kinds = [event["event"] for event in events]
    assert kinds[:4] == ["planned"] * 3 + ["started"]
    assert kinds[-1] == "summary"
    assert (kinds.count("started"), kinds.count("done"), kinds.count("failed"), kinds.count("product")) == (3, 2, 1, 4)
    jump = next(event for event in events if event.get("step") == "jump")
    assert (jump["name"], jump["status"], list(jump["counts"])) == (FILES[0], "COMPLETE", ["jumps"])
    skipped = next(event for event in events if event.get("step") == "gain_scale")
    assert (skipped["status"], "GAINFACT" in skipped["reason"]) == ("SKIPPED", True)
    failed = next(event for event in events if event["event"] == "failed")
    assert (failed["name"], failed["class"], failed["file"], failed["exit_status"]) == (
        FILES[1], "InputError", FILES[1], 3,
    )  # fmt: skip
    assert all((tmp_path / event["path"]).is_file() for event in events if event["event"] == "product")
    assert (events[-1]["done"], events[-1]["failed"], events[-1]["exit_status"], status) == (2, 1, 7, 7)


def test_stop_tries_no_file_after_one_that_fails(tmp_path):
    (tmp_path / FILES[0]).write_text("no FITS file")
    events, status = run(*FILES, "-p", "dq_init", "--stop", "-q")
    assert [event["event"] for event in events][-2:] == ["failed", "summary"]
    assert (events[-1]["done"], events[-1]["failed"], status) == (0, 1, 7)


@pytest.mark.parametrize(
    ("arguments", "status", "named"),
    [
        (["nothing.fits"], 3, {"file": "nothing.fits"}),
        ([FILES[0], "--nothing"], 2, {"class": "UsageError"}),
        (
            [FILES[0], "-s", "jump.rejection_threshold=-1"],
            2,
            {
                "parameter": "jump.rejection_threshold",
                "found": "'-1' (str)",
                "expected": "a number, at least 0 [sigma]",
            },
        ),
    ],
)
def test_what_is_wrong_before_work_is_an_event(arguments, status, named):
    (event,), found = run(*arguments)
    assert (event["event"], event["exit_status"], found) == ("failed", status, status)
    assert named.items() <= event.items()


ERRORS = [
    (GpipeError, 1), (ZeroDivisionError, 1), (ParameterError, 2), (InputError, 3), (ReferenceFileError, 4),
    (OutputError, 5), (BackendError, 6), (NoScienceDataError, 64),
]  # fmt: skip


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=[error.__name__ for error, _ in ERRORS])
def test_an_only_exposure_has_the_status_of_its_error(monkeypatch, error, status):
    def fail(*_, **__):
        raise error("mine: found this, expected that")

    monkeypatch.setattr(JumpStep, "begin", fail)
    events, found = run(FILES[0], "-p", "jump", "-q")
    assert [event["event"] for event in events][-2:] == ["failed", "summary"]
    assert (events[-2]["class"], events[-2]["exit_status"], found) == (error.__name__, status, status)
    assert CliRunner().invoke(main, ["run", FILES[0], "-p", "jump", "-q"]).exit_code == status


def test_several_failures_are_seven_whatever_their_classes(monkeypatch):
    monkeypatch.setattr(JumpStep, "begin", lambda *_, **__: 1 / 0)
    assert run(*FILES, "-p", "jump", "-q")[1] == 7


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (ParameterError("a.b: found 1, expected 2"), {"parameter": "a.b", "found": "1", "expected": "2"}),
        (ReferenceFileError("my_gain.fits: no such file"), {"reference": "my_gain.fits"}),
        (OutputError("output_dir: found a file x, expected a folder"), {"parameter": "output_dir"}),
        (
            InputError("x.fits: not a FITS file (it starts with b'no'); expected 'SIMPLE'"),
            {"file": "x.fits", "found": "not a FITS file (it starts with b'no')", "expected": "'SIMPLE'"},
        ),
        (ParameterError.at("a.b", 1, "2"), {"parameter": "a.b", "found": "1", "expected": "2"}),
        (InputError("x: y: no such file", file="x: y"), {"file": "x: y"}),
        (
            ReferenceFileError.at("gain reference g.fits", "x", "y", reference="g.fits"),
            {"reference": "g.fits", "found": "x", "expected": "y"},
        ),
        (InputError("found no files, expected one or more"), {"found": "no files", "expected": "one or more"}),
    ],
)
def test_errors_name_what_is_wrong(error, parts):
    event = failure(error).as_dict()
    SCHEMA.validate(event)
    assert parts.items() <= event.items()
    assert event["message"] == str(error)
    assert failure(pickle.loads(pickle.dumps(error))).as_dict() == event


@pytest.mark.parametrize("command", [["info"], ["list", "jump"], ["parameters", "jump"]])
def test_other_commands_answer_with_one_object(command):
    (event,), status = answer(*command)
    assert (event["schema"], status) == (f"gpipe.{command[0]}/1", 0)


def test_a_plan_is_one_object_for_each_file(tmp_path):
    (first, second), status = answer("plan", *FILES[:2], "-o", "cal")
    assert (first["schema"], first["name"], second["name"], status) == ("gpipe.plan/1", *FILES[:2], 0)
    assert first["steps"][0] == {"name": "group_scale", "reason": "NFRAMES = FRMDIVSR"}
    assert [Path(one["path"]).name for one in first["products"]] == ["jw1_rate.fits", "jw1_rateints.fits"]
    assert {"superbias", "gain"} <= {one["type"] for one in first["references"]}
    assert first["peak"] > first["sections"][0]["stored"]
    assert answer("run", FILES[0], "-o", "cal", "--dry-run")[0] == [first]


def test_references_are_one_object():
    (found,), status = answer("refs", "list", *FILES)
    assert (found["schema"], found["exposures"], found["problems"], status) == ("gpipe.refs/1", FILES, [], 0)
    gain = next(one for one in found["references"] if one["type"] == "gain")
    assert (gain["state"], gain["exposures"]) == ("cached", FILES)
    assert gain["bytes"] == Path(gain["path"]).stat().st_size
    (changed,), _ = answer("refs", "list", FILES[0], "--context", found["context"])
    assert changed["changes"] == []


@pytest.mark.parametrize("command", [["plan"], ["refs", "list"], ["refs", "check"]])
def test_what_is_wrong_is_an_event_of_other_commands_too(command):
    (event,), status = answer(*command, "nothing.fits")
    SCHEMA.validate(event)
    assert (event["event"], event["file"], status) == ("failed", "nothing.fits", 3)


@pytest.mark.parametrize(
    "command", [["run"], ["plan"], ["refs", "list"], ["refs", "check"], ["refs", "fetch"], ["parameters"]]
)
def test_common_options_are_told_once(command):
    told = CliRunner().invoke(main, [*command, "-h"]).stdout
    for option in ("-q, --quiet", "-v, --verbose", "--log-file", "--json", "--no-color", "--debug"):
        assert told.count(f"  {option} ") == 1, option


def test_the_log_of_a_plan_goes_to_a_file(tmp_path):
    assert answer("plan", FILES[0], "-v", "--log-file", "my.log")[1] == 0
    assert "DEBUG" in (tmp_path / "my.log").read_text()
