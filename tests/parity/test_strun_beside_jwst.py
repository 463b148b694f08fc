"""Command lines of strun, run by jwst's own and by ``gpipe strun``: success, files, their headers and rates."""

import contextlib
import logging
import os
import shutil
import sys
from dataclasses import replace

import asdf
import numpy as np
import pytest

pytest.importorskip("jwst")

from astropy.io import fits
from click.testing import CliRunner
from helpers.comparison import compare_science
from helpers.exposures import STEADY, field
from stpipe._cli import strun as of_jwst

from gpipe import simulate
from gpipe.cli import main
from gpipe.simulate import ExposureConfig

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

HITS = replace(STEADY, cosmic_rays=2e4)
CONFIG = ExposureConfig(
    detector="NRCB1", readpatt="RAPID", subarray="SUB64P", ngroups=5, nints=2, scene=field(2000), noise=HITS, seed=3
)
PIPELINE = "jwst.pipeline.Detector1Pipeline"
JUMP = {"class": "jwst.jump.JumpStep", "name": "jump"}
CRDS = {"pars-jumpstep": {**JUMP, "parameters": {"rejection_threshold": 6.0}}}
FILES = {
    "mine.asdf": {
        "class": PIPELINE,
        "name": "mine",
        "parameters": {"save_calibrated_ramp": True},
        "steps": [{**JUMP, "parameters": {"rejection_threshold": 12.0}}],
    },
    "jump.asdf": {**JUMP, "parameters": {"skip": True}},
}
OLD = f'name = "old"\nclass = "{PIPELINE}"\n[steps]\n[[jump]]\nskip = True\n[[ramp_fit]]\nsave_results = True\n'
LOG = "[*]\nhandler = file:by_cfg.log\nlevel = WARNING\n"

# A line of CI, and what it is about; U stands for the exposure.
QUICK = [
    "calwebb_detector1 U",
    "jwst.pipeline.Detector1Pipeline U --steps.jump.rejection_threshold=8 --output_dir=out",
    "mine.asdf U --save-parameters=all.asdf --output_file=named",
    "dq_init U --suffix=flagged --skip=false",
    "calwebb_detector1 U --steps.jump.rejection_threshold=abc",
]
LINES = [
    "calwebb_detector1 U --disable-crds-steppars",
    "jwst.pipeline.calwebb_detector1.Detector1Pipeline U --steps.jump.skip true",
    "--steps.refpix.skip=true calwebb_detector1 U",
    "calwebb_detector1 U --steps.linearity.skip=yes --save_calibrated_ramp=true",
    "calwebb_detector1 U --output_file=named.fits --output_dir out",
    "calwebb_detector1 U --steps.dq_init.save_results=true --steps.jump.save_results=1",
    "calwebb_detector1 U --steps.saturation.output_dir=out --steps.saturation.save_results=on",
    "calwebb_detector1 U --log-level=error --log-file=run.log",
    "calwebb_detector1 U -v --log-stream=null --log-file run.log",
    "calwebb_detector1 U --logcfg=log.cfg",
    "mine.asdf U --steps.jump.rejection_threshold=4",
    "old.cfg U",
    "calwebb_detector1 U --steps.jump.config_file=jump.asdf",
    "calwebb_detector1 U --steps.dq_init.override_mask=another_mask.fits",
    "calwebb_detector1 U --steps.ramp_fit.skip=true",
    "jwst.dq_init.DQInitStep U --output_file=named --suffix=flagged",
    "calwebb_detector1 U --input_dir=raw",
    "dq_init U",
    "calwebb_detector1 --save-parameters=all.asdf",
    "calwebb_detector1",
    "calwebb_detector1 missing_uncal.fits",
    "calwebb_detector1 U U",
    "calwebb_detector1 U --steps.jump.skip",
    "calwebb_detector1 U --nothing=1",
    "calwebb_detector1 U --steps.jmp.skip=true",
    "calweb_detector1 U",
    "calwebb_detector1 U --steps.dq_init.override_mask=missing.fits",
    "calwebb_detector1 U --log-level=LOUD",
    "missing.asdf U",
    "calwebb_detector1 -h",
    "calwebb_detector1 --version",
]
NAMED_OTHERWISE = {"dqinitstep": "dq_init"}
"""A step alone has the name of its class in jwst."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with an exposure and what the command lines name, and the cache that is active meanwhile."""
    folder = tmp_path_factory.mktemp("desk")
    exposure = simulate.write_exposure(CONFIG, folder)
    cache = simulate.write_cache([CONFIG], tmp_path_factory.mktemp("crds"), pars=CRDS, full_frame=False)
    (folder / "raw").mkdir()
    shutil.copy(exposure.path, folder / "raw")
    for name, tree in FILES.items():
        asdf.AsdfFile(tree).write_to(folder / name)
    (folder / "old.cfg").write_text(OLD)
    (folder / "log.cfg").write_text(LOG)
    (mask,) = (path for path in cache.folder.rglob("*mask*.fits") if "references" in path.parts)
    shutil.copy(mask, folder / "another_mask.fits")
    with cache.activated():
        yield folder


def by_jwst(words, monkeypatch):
    """The exit status of strun, in this process; what it does to loggers is undone."""
    monkeypatch.setattr(sys, "argv", ["strun", *words])
    loggers = [logging.getLogger(name) for name in ("stpipe", "jwst", "stcal", "CRDS", "py.warnings")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    try:
        with contextlib.redirect_stdout(None):
            of_jwst.main()
    except SystemExit as ended:
        return ended.code or 0
    finally:
        for logger, level, handlers in before:
            logger.setLevel(level)
            logger.handlers = handlers
    return 0


def by_gpipe(words):
    """The exit status of gpipe strun; one that is no success has one line."""
    done = CliRunner().invoke(main, ["strun", *words])
    assert done.exit_code in (0, 2, 3, 4), done.output
    assert done.exit_code == 0 or done.stderr.splitlines()[-1].startswith("gpipe: ")
    return done.exit_code


def made(folder, run, desk):
    """The exit status of a run in a copy of the folder, and the files that it made."""
    shutil.copytree(desk, folder)
    before = os.getcwd()
    os.chdir(folder)
    try:
        status = run()
    finally:
        os.chdir(before)
    present = {path.relative_to(desk) for path in desk.rglob("*")}
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return status, {str(path): folder / path for path in found - present}


def as_ours(name):
    for theirs, ours in NAMED_OTHERWISE.items():
        name = name.replace(theirs, ours)
    return name


def cards(path):
    """Keywords that say what was done: steps, references, and where the exposure is from."""
    header = fits.getheader(path)
    chosen = {name: value for name, value in header.items() if name.startswith("S_")}
    chosen |= {name: os.path.basename(value) for name, value in header.items() if name.startswith("R_")}
    return chosen | {name: header.get(name) for name in ("CRDS_CTX", "DATAMODL", "FILENAME", "EXP_TYPE", "NGROUPS")}


def pixels(path):
    with fits.open(path) as file:
        errors = file["ERR"].data if "ERR" in file else 0.0
        return file["SCI"].data, errors


def jump_threshold(path):
    with asdf.open(path) as file:
        return {step["name"]: step["parameters"].get("rejection_threshold") for step in file["steps"]}["jump"]


ALL = [*QUICK, *(pytest.param(line, marks=pytest.mark.thorough) for line in LINES)]


@pytest.mark.parametrize("line", ALL)
def test_a_command_line_does_the_same(line, desk, tmp_path, monkeypatch, agree):
    (uncal,) = (path.name for path in desk.glob("*_uncal.fits"))
    words = [uncal if word == "U" else word for word in line.split()]
    status, theirs = made(tmp_path / "theirs", lambda: by_jwst(words, monkeypatch), desk)
    our_status, ours = made(tmp_path / "ours", lambda: by_gpipe(words), desk)
    assert (our_status == 0) == (status == 0)
    assert {*ours} == {*map(as_ours, theirs)}
    agreements = []
    for name, path in theirs.items():
        mine = ours[as_ours(name)]
        if name.endswith(".fits"):
            ours_cards, their_cards = cards(mine), cards(path)
            their_cards["FILENAME"] = as_ours(their_cards["FILENAME"])
            assert ours_cards == their_cards
            (data, _), (their_data, errors) = pixels(mine), pixels(path)
            agreements.append(compare_science(name, data, their_data, np.nan_to_num(errors)))
        elif name.endswith(".asdf"):
            assert jump_threshold(mine) == jump_threshold(path)
    agree(agreements)
