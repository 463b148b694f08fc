"""Every example of jwst's guide to its Python interface, with ``jwst`` replaced by ``gpipe``, on a simulated exposure.

Where the guide itself is mistyped (``'rejection_threshold'=12.0``, ``if __name__ = '__main__'``, a name that was not
imported, dictionaries that do not nest) the example is what it means. Paths of the guide are paths of the test.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import stdatamodels.jwst.datamodels as dm
from astropy.io import fits

from gpipe import dq, simulate
from gpipe.controller.run import preparation
from gpipe.dark_current import DarkCurrentStep
from gpipe.exceptions import ParameterError
from gpipe.jump import JumpStep
from gpipe.linearity import LinearityStep, SaturationStep
from gpipe.pipeline import Detector1Pipeline

BASE = "jw00017001001_01101_00001_nrca1"
UNCAL = f"{BASE}_uncal.fits"
RATES = [f"{BASE}_rate.fits", f"{BASE}_rateints.fits"]
CONFIG = simulate.ExposureConfig(
    detector="NRCA1",
    readpatt="SHALLOW4",
    subarray="SUB160",
    ngroups=5,
    nints=2,
    seed=17,
    noise=simulate.NoiseEffects(cosmic_rays=400),
)
PARS = {"pars-jumpstep": {"class": "jwst.jump.jump_step.JumpStep", "name": "jump", "parameters": {"sat_expand": 3}}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder with the guide's exposure, and a cache for it whose parameter file sets ``sat_expand`` of jump."""
    folder = tmp_path_factory.mktemp("guide")
    simulate.write_exposure(CONFIG, folder).path.rename(folder / UNCAL)
    return folder, simulate.write_cache([CONFIG], folder / "cache", full_frame=False, pars=PARS)


@pytest.fixture(autouse=True)
def working_folder(made, tmp_path, monkeypatch):
    """The current folder holds the exposure, and CRDS is configured."""
    folder, cache = made
    shutil.copy(folder / UNCAL, tmp_path)
    monkeypatch.chdir(tmp_path)
    with cache.activated():
        yield tmp_path


@pytest.fixture(autouse=True)
def said(monkeypatch):
    """Return a function that returns the line on a step's parameters, and forgets all lines."""
    noted = []
    monkeypatch.setattr(preparation, "note", lambda log, message, *args: noted.append(message % args))

    def parameters(step):
        lines = [line for line in noted if line.startswith(f"Parameters of {step}:")]
        noted.clear()
        return lines[-1] if lines else ""

    return parameters


@pytest.fixture
def new_saturation_ref_file(made, tmp_path):
    """A saturation reference by which everything saturates."""
    path = tmp_path / "new_saturation_ref_file.fits"
    shutil.copy(made[1].reference("nircam", "saturation"), path)
    with fits.open(path, mode="update") as hdus:
        hdus["SCI"].data[...] = 1.0
    return str(path)


def written():
    return sorted(str(p) for p in Path().rglob("*.fits") if p.name.startswith((BASE, "detector", "saturation_result")))


def products():
    return [name for name in written() if name != UNCAL]


def flagged(model, flag):
    flags = model.groupdq if model.hasattr("groupdq") else model.dq
    return int(np.count_nonzero(flags & flag))


# --- importing -------------------------------------------------------------------------------------------------------

IMPORTS = [
    "from gpipe.pipeline import Detector1Pipeline",
    "from gpipe.pipeline.calwebb_detector1 import Detector1Pipeline",
    "from gpipe.saturation import SaturationStep",
    "from gpipe.ramp_fitting import RampFitStep",
    "from gpipe.linearity import LinearityStep",
    "from gpipe.linearity import SaturationStep",
    "from gpipe.jump import JumpStep",
]


@pytest.mark.parametrize("line", IMPORTS)
def test_imports(line):
    names = {}
    exec(line, names)
    wanted = line.split()[-1]
    assert names[wanted].__name__ == wanted


def test_importing_linearity_does_not_import_saturation():
    code = "import sys, gpipe.linearity; print('gpipe.saturation' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    with pytest.raises(ImportError, match="cannot import name 'RampFitStep'"):
        exec("from gpipe.linearity import RampFitStep")


# --- running ---------------------------------------------------------------------------------------------------------


def test_defaults(said):
    result = Detector1Pipeline.call(UNCAL)
    assert isinstance(result, dm.ImageModel)
    assert np.isfinite(result.data).mean() > 0.9
    assert result.meta.ref_file.saturation.name.startswith("crds://")
    assert "sat_expand=3" in said("jump")
    assert products() == []


def test_a_step_on_an_open_model():
    input_model = dm.open(UNCAL)
    before = input_model.data.copy()
    result = LinearityStep.call(input_model)
    assert result.meta.cal_step.linearity == "COMPLETE"
    assert not np.array_equal(result.data, before)
    assert np.array_equal(input_model.data, before)
    assert input_model.meta.cal_step.linearity is None
    assert products() == []


# --- parameters ------------------------------------------------------------------------------------------------------


def test_keywords_of_a_pipeline():
    default = flagged(Detector1Pipeline.call(UNCAL), dq.JUMP_DET)
    steps = {"jump": {"rejection_threshold": 12.0, "save_results": True}}
    result = Detector1Pipeline.call(UNCAL, save_results=False, steps=steps)
    assert 0 < flagged(result, dq.JUMP_DET) < default
    assert products() == [f"{BASE}_jump.fits"]


def test_keywords_of_a_step(said):
    JumpStep.call(UNCAL, rejection_threshold=12.0)
    assert "rejection_threshold=12.0 (keyword)" in said("jump")
    assert products() == []
    JumpStep.call(UNCAL, save_results=True, rejection_threshold=12.0)
    assert products() == [f"{BASE}_jump.fits"]


def test_a_whole_parameter_file(said):
    pipe = Detector1Pipeline()
    pipe.jump.rejection_threshold = 12.0
    pipe.export_config("calwebb_detector1.asdf")
    Detector1Pipeline.call(UNCAL, config_file="calwebb_detector1.asdf")
    assert "rejection_threshold=12.0" in said("jump")
    Detector1Pipeline.call(UNCAL, config_file="calwebb_detector1.asdf", steps={"jump": {"rejection_threshold": 11}})
    assert "rejection_threshold=11.0 (keyword)" in said("jump")


JUMP_FILE = """\
  steps:
  - class: jwst.jump.jump_step.JumpStep
    parameters:
      rejection_threshold : 12
"""
SATURATION_FILE = """\
  steps:
  - class: jwst.linearity.saturation_step.SaturationStep
    parameters:
      override_saturation: '/path/to/new_saturation_ref_file.fits'
"""
SKIP_FILE = """\
steps:
- class: jwst.linearity.linearity_step.LinearityStep
  parameters:
    skip: true
"""
ASDF_HEADER = """\
#ASDF 1.0.0
#ASDF_STANDARD 1.5.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
"""


@pytest.mark.parametrize("added_to", ["", ASDF_HEADER], ids=["alone", "in an ASDF file"])
@pytest.mark.parametrize("package", ["jwst", "gpipe"])
def test_a_parameter_file_with_one_value(package, added_to, said):
    Path("my_config_file.asdf").write_text(added_to + JUMP_FILE.replace("jwst", package) + ("..." if added_to else ""))
    Detector1Pipeline.call(UNCAL, config_file="my_config_file.asdf")
    line = said("jump")
    assert "rejection_threshold=12.0 (" in line
    assert "sat_expand=3" in line  # what the file does not name still comes from CRDS


@pytest.mark.parametrize("word", ["True", "TRUE"])
def test_parameters_of_crds_switched_off(word, said, monkeypatch):
    monkeypatch.setitem(os.environ, "STPIPE_DISABLE_CRDS_STEPPARS", word)
    Detector1Pipeline.call(UNCAL)
    assert said("jump") == ""


# --- references ------------------------------------------------------------------------------------------------------


def test_override_by_keyword(new_saturation_ref_file):
    steps = {"saturation": {"override_saturation": new_saturation_ref_file}}
    result = Detector1Pipeline.call(UNCAL, steps=steps)
    assert result.meta.ref_file.saturation.name == new_saturation_ref_file
    assert flagged(result, dq.SATURATED) > 0.9 * result.data.size


def test_override_of_a_single_step(new_saturation_ref_file):
    result = SaturationStep.call(UNCAL, override_saturation=new_saturation_ref_file)
    assert flagged(result, dq.SATURATED) > 0.9 * result.data.size


def test_override_in_a_file(new_saturation_ref_file):
    Path("my_config_file.asdf").write_text(
        SATURATION_FILE.replace("/path/to/new_saturation_ref_file.fits", new_saturation_ref_file)
    )
    result = Detector1Pipeline.call(UNCAL, config_file="my_config_file.asdf")
    assert result.meta.ref_file.saturation.name == new_saturation_ref_file


def test_several_overrides(new_saturation_ref_file, made):
    steps = {"saturation": {"override_saturation": new_saturation_ref_file}}
    with pytest.raises(ParameterError, match=r"override_jump.*allowed: override_gain, override_readnoise"):
        Detector1Pipeline.call(UNCAL, steps={**steps, "jump": {"override_jump": "/path/to/new_jump_ref_file.fits"}})
    gain = str(shutil.copy(made[1].reference("nircam", "gain"), "new_gain_ref_file.fits"))
    Detector1Pipeline.call(UNCAL, steps={**steps, "jump": {"override_gain": gain, "save_results": True}})
    with dm.open(f"{BASE}_jump.fits") as saved:
        assert saved.meta.ref_file.saturation.name == new_saturation_ref_file
        assert saved.meta.ref_file.gain.name == str(Path(gain).absolute())


# --- skipping --------------------------------------------------------------------------------------------------------


def test_skip_by_keyword():
    result = Detector1Pipeline.call(UNCAL, steps={"saturation": {"skip": True}})
    assert result.meta.cal_step.saturation == "SKIPPED"
    assert flagged(result, dq.SATURATED) == 0


def test_skip_in_a_file():
    Path("my_config_file.asdf").write_text(SKIP_FILE)
    result = Detector1Pipeline.call(UNCAL, config_file="my_config_file.asdf")
    assert result.meta.cal_step.linearity == "SKIPPED"
    assert result.meta.cal_step.saturation == "COMPLETE"


# --- output ----------------------------------------------------------------------------------------------------------

# ``_trapsfilled``, which the guide lists too, is a product of persistence, and written where that is asked for.
OUTPUTS = [
    (Detector1Pipeline, {"save_results": True}, RATES),
    (
        Detector1Pipeline,
        {"output_file": "detector_1_final_result"},
        ["detector_1_final_result_rate.fits", "detector_1_final_result_rateints.fits"],
    ),
    (Detector1Pipeline, {"output_dir": "calibrated"}, [f"calibrated/{name}" for name in RATES]),
    (Detector1Pipeline, {"steps": {"saturation": {"save_results": True}}}, [f"{BASE}_saturation.fits"]),
    (
        Detector1Pipeline,
        {"steps": {"saturation": {"output_file": "saturation_result"}}},
        ["saturation_result_saturation.fits"],
    ),
    (Detector1Pipeline, {"steps": {"dark": {"output_dir": "calibrated"}}}, [f"calibrated/{BASE}_dark_current.fits"]),
    (SaturationStep, {"save_results": True}, [f"{BASE}_saturation.fits"]),
    (SaturationStep, {"output_file": "saturation_result"}, ["saturation_result_saturation.fits"]),
    (DarkCurrentStep, {"output_dir": "calibrated"}, [f"calibrated/{BASE}_dark_current.fits"]),
]


@pytest.mark.parametrize(
    ("cls", "keywords", "expected"), OUTPUTS, ids=lambda value: str(getattr(value, "__name__", ""))
)
def test_output(cls, keywords, expected):
    result = cls.call(UNCAL, **keywords)
    assert products() == expected
    if "steps" not in keywords:
        assert result.meta.filename == Path(expected[0]).name
        with dm.open(expected[0]) as saved:
            np.testing.assert_array_equal(saved.data, result.data)


# --- run() -----------------------------------------------------------------------------------------------------------


def test_run_with_attributes(said):
    pipe = Detector1Pipeline()
    pipe.jump.rejection_threshold = 12
    pipe.ramp_fit.skip = True
    result = pipe.run(UNCAL)
    assert result.data.shape == (2, 5, 160, 160)
    line = said("jump")
    assert "rejection_threshold=12.0 (attribute)" in line
    assert "sat_expand" not in line  # a value from CRDS, which run() does not ask
    assert np.array_equal(pipe.run(UNCAL).groupdq, result.groupdq)


# --- scripts ---------------------------------------------------------------------------------------------------------

SCRIPT_1 = """
# SampleScript1

import os, sys
from gpipe.pipeline import Detector1Pipeline

uncal_file = 'jw00017001001_01101_00001_nrca1_uncal.fits'
output_dir = 'my_project'

def main():
    det1 = Detector1Pipeline()
    parameter_dict = {"ramp_fit": {"maximum_cores": 'all'}}
    det1.call(uncal_file, save_results=True, steps=parameter_dict, output_dir=output_dir)

if __name__ == '__main__':
    sys.exit(main())
"""

SCRIPT_2 = """
# SampleScript2

import os, sys
import traceback
import configparser
import multiprocessing
from glob import glob

def mk_stpipe_log_cfg(output_dir, log_name):
    config = configparser.ConfigParser()
    config.add_section("*")
    config.set("*", "handler", "file:" + log_name)
    config.set("*", "level", "INFO")
    pipe_log_config = os.path.join(output_dir, "pipeline-log.cfg")
    config.write(open(pipe_log_config, "w"))

def run_det1(uncal_file, output_dir):
    log_name = os.path.basename(uncal_file).replace('.fits', '')
    mk_stpipe_log_cfg(output_dir, log_name+'.log')
    from gpipe.pipeline.calwebb_detector1 import Detector1Pipeline
    pipe_success = False
    try:
        det1 = Detector1Pipeline()
        det1.call(uncal_file, output_dir=output_dir, logcfg="pipeline-log.cfg", save_results=True)
        pipe_success = True
        print('\\n * Pipeline finished for file: ', uncal_file, ' \\n')
    except Exception:
        print('\\n *** OH NO! The detector1 pipeline crashed! *** \\n')
        pipe_crash_msg = traceback.print_exc()
    if not pipe_success:
        crashfile = open(log_name+'_pipecrash.txt', 'w')
        print('Printing file with full traceback')
        print(pipe_crash_msg, file=crashfile)

def main():
    input_data_dir = 'my_project_dir'
    output_dir = input_data_dir

    # get the files to run
    files_to_run = glob(os.path.join(input_data_dir, '*_uncal.fits'))
    print('Will run the pipeline on {} files'.format(len(files_to_run)))

    # the output list should be the same length as the files to run
    outptd = [output_dir for _ in range(len(files_to_run))]

    # get the cores to use
    cores2use = max(int(os.cpu_count()/2), 1)   # half of all available cores
    print('* Using ', cores2use, ' cores for multiprocessing.')

    # set the pool and run multiprocess
    with multiprocessing.Pool(cores2use) as pool:
        pool.starmap(run_det1, zip(files_to_run, outptd))

    print('\\n * Finished multiprocessing! \\n')

if __name__ == '__main__':
    sys.exit(main())
"""

# What the guide warns of: several cores in a step, within a pool whose workers may not have children.
NESTED = SCRIPT_2.replace("save_results=True)", "save_results=True, steps={'ramp_fit': {'maximum_cores': 'all'}})")


def run_script(text):
    Path("script.py").write_text(text)
    # Unbuffered: leaving ``with Pool()`` kills its workers, and what they had not yet written to a pipe is lost.
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "script.py"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)


def test_script_1():
    run_script(SCRIPT_1)
    assert products() == [f"my_project/{name}" for name in RATES]


@pytest.mark.parametrize("script", [SCRIPT_2, NESTED, NESTED.replace("multiprocessing.Pool", "spawn.Pool")])
def test_script_2(script):
    Path("my_project_dir").mkdir()
    for number in (1, 2):
        shutil.copy(UNCAL, f"my_project_dir/{UNCAL.replace('00001_nrca1', f'0000{number}_nrca1')}")
    Path(UNCAL).unlink()
    spawn = "spawn = multiprocessing.get_context('spawn')\n"
    done = run_script(script.replace("def mk_stpipe", f"{spawn}def mk_stpipe") if "spawn" in script else script)
    assert done.stdout.count("Pipeline finished for file") == 2
    assert "Finished multiprocessing!" in done.stdout
    names = sorted(p.name for p in Path("my_project_dir").glob("*_rate*.fits"))
    assert names == sorted(n.replace("00001_nrca1", f"0000{k}_nrca1") for k in (1, 2) for n in RATES)
    # The workers of the guide share one configuration file, so that either may write to the other's log.
    logs = [p.read_text() for p in Path().glob("jw00017001001_01101_0000?_nrca1_uncal.log")]
    assert any("gain_scale skipped" in log for log in logs)
