"""The benchmarks run, and their tables hold the reports of processes; times are not tested."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import crds
import numpy as np
import pytest
from helpers.simulated import small

from benchmarks import __main__ as command
from benchmarks import cases, command_line, device, durability, processes, tables
from benchmarks.floor import Floor, _transfer
from benchmarks.inputs import prepared
from benchmarks.processes import Measured, Process, ProcessError, Settings, compare
from benchmarks.worker import Report, Round
from gpipe import backends, simulate
from gpipe.backends.numpy import NumpyBackend
from gpipe.dark_current.dark_sub import subtract_darks
from gpipe.exceptions import BackendError
from gpipe.jump.groups_host import large_groups
from gpipe.simulate.config import IPC_KERNELS

ROOT = Path(__file__).parents[2]
FLOOR = Floor(raw=50_000_000, planes=100_000_000, read=150_000_000, seconds=0.5)


def process(seconds, *, wall=30.0):
    """A process with calls of so many seconds, in which jump takes half of each."""
    rounds = [
        Round(
            whole=s,
            seconds=[s],
            resident=[1],
            steps={"jump": s / 2, "ipc": 0.0},
            read=300_000_000,
            written=10**7,
            planes=1,
        )
        for s in seconds
    ]
    return Process(wall, Report(imported=100_000_000, peak=600_000_000, highest=700_000_000, rounds=rounds))


def column(rows, index):
    return {row[1]: row[index] for row in rows}


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    arguments = [
        "--tiny",
        "--runs",
        "1",
        "--packages",
        "gpipe",
        "--markdown",
        "--folder",
        tmp_path_factory.mktemp("in"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_tiny_run_prints_all_tables(printed):
    assert len(re.findall(r"^## ", printed, re.MULTILINE)) == 4
    for name in ("| 64x64 | whole process", "| 64x64 | jump", "| growth with groups | 3", "| growth over exposures"):
        assert name in printed


def test_tiny_run_needs_about_the_memory_of_its_plan(printed):
    assert 0.7 < float(re.search(r"peak memory / plan of [\d.]+ MB \| ([\d.]+)", printed)[1]) < 1.2


def test_tiny_run_reads_the_exposure_and_its_part_of_references(printed):
    needed = float(re.search(r"bytes read / ([\d.e-]+) MB", printed)[1])
    planes = float(re.search(r"with ([\d.e-]+) MB of references", printed)[1])
    read = float(re.search(r"bytes read in the first call \[MB\] \| ([\d.]+)", printed)[1])
    assert 0 < planes < needed <= read


def test_figures_are_medians_and_ratios():
    slow = Measured([process([8.0, 6.0]), process([9.0, 4.0]), process([9.0, 5.0])])
    outcomes = {"gpipe": Measured([process([3.0, 2.0])]), "jwst": slow}
    rows = list(tables.figure_rows("one", outcomes, FLOOR, 500_000_000))
    gpipe, jwst, ratio = (column(rows, index) for index in (2, 3, 4))
    call = "call in a running process [s]"
    assert (gpipe[call], jwst[call], ratio[call]) == ("2", "5", "2.5")
    assert (gpipe["whole process [s]"], jwst["whole process [s]"]) == ("28", "25")
    assert gpipe["call / floor of 0.5 s"] == "4"
    assert gpipe["peak memory / raw cube of 50 MB"] == "12"
    assert gpipe["peak memory / plan of 500 MB"] == "1.2"
    assert gpipe["peak memory / bound of 300 MB, with 100 MB of references"] == "2"
    assert gpipe["peak memory above that of imports [MB]"] == "500"


def test_steps_that_take_no_time_have_no_row():
    rows = list(tables.step_rows("one", {"gpipe": Measured([process([2.0])]), "jwst": Measured([process([6.0])])}))
    assert rows == [("one", "jump", "1.000", "3.000", "3.0")]


def test_first_calls_are_marked_and_a_stopped_process_says_so():
    outcomes = {"gpipe": Measured([process([2.0])]), "jwst": ProcessError("> 600 s", is_slow=True)}
    rows = list(tables.figure_rows("one", outcomes, FLOOR))
    assert rows[0][2:] == ("30", "> 600 s", "-")
    assert rows[1][2:] == ("2*", "-", "-")


@pytest.mark.parametrize(("first", "expected"), [(1.0, 3), (100.0, 1)])
def test_slow_packages_make_one_process(monkeypatch, tmp_path, first, expected):
    monkeypatch.setattr(processes, "run", lambda job, inputs, limit: process([first]))
    settings = Settings(packages=["gpipe", "jwst"], runs=3, patience=60.0, jwst_limit=600.0)
    inputs = replace(prepared_tiny(tmp_path), paths=[])
    found = compare(cases.TINY_CASES[0], inputs, settings, str(tmp_path), tell=lambda text: None)
    assert [len(measured.processes) for measured in found.values()] == [expected] * 2


def prepared_tiny(folder):
    return prepared(cases.TINY_CASES[0].configs, folder, full_frame=False)


def test_inputs_are_made_once(tmp_path):
    first = prepared_tiny(tmp_path)
    made = [path.stat().st_mtime_ns for path in (*first.paths, *first.references)]
    again = prepared_tiny(tmp_path)
    assert [path.stat().st_mtime_ns for path in (*again.paths, *again.references)] == made
    assert first.raw_bytes == 2 * 4 * 64 * 64


def test_names_choose_what_is_measured():
    assert [thing.name for thing in command.chosen("160X160", cases.ALL)] == ["NIRCam 160x160, 8 groups"]
    with pytest.raises(SystemExit, match="found 'nothing'; expected a part of: NIRCam full frame"):
        command.chosen("nothing", cases.ALL)


def test_names_and_files_of_all_cases_differ():
    names = [thing.name for thing in cases.ALL]
    assert len(set(names)) == len(names)
    several = [case.configs for case in cases.CASES] + [tuple(axis.configs.values()) for axis in cases.AXES]
    for configs in several:
        assert len({config.file_name for config in configs}) == len(configs)


# --- the cases ---

OF_ALL = {"mask", "saturation", "ipc", "linearity", "dark", "readnoise", "gain"}
NEAR_INFRARED, MID_INFRARED = OF_ALL | {"superbias"}, OF_ALL | {"emicorr", "reset", "rscd"}
SMALLEST = {"NIRCAM": "SUB64P", "NIRISS": "SUB64", "NIRSPEC": "SUB32", "FGS": "SUB32LL", "MIRI": "SUB64"}


def exposures_of_cases():
    return [config for case in (*cases.CASES, *cases.TINY_CASES) for config in case.configs]


def shrunk(config):
    """An exposure of the same mode on few pixels; the kernels of each pixel, which are large, become one."""
    pixels = replace(config.pixels, ipc_variation=0.0, ipc_kernel="3x3")
    return replace(config, subarray=SMALLEST[config.sca.instrument], ngroups=1, nints=1, pixels=pixels)


def test_all_cases_have_capacitance_and_all_kinds_of_kernels_are_used():
    pixels = [config.pixels for config in exposures_of_cases()]
    assert {effects.ipc for effects in pixels} == {0.005}
    assert {effects.ipc_kernel for effects in pixels} == set(IPC_KERNELS)


def test_crds_finds_all_references_of_the_mode_of_each_case(tmp_path):
    """References of IRS2 readout, which has no subarrays, are in tests/simulate."""
    configs = {(c.detector, c.exposure_type): shrunk(c) for c in exposures_of_cases() if not c.interleaved}
    assert {config.sca.instrument for config in configs.values()} == set(SMALLEST)
    with simulate.write_cache(configs.values(), tmp_path, full_frame=False).activated():
        for config in configs.values():
            mode = MID_INFRARED if config.sca.mid_infrared else NEAR_INFRARED
            parameters = simulate.make_exposure(config)[0].get_crds_parameters()
            found = crds.getreferences(parameters, reftypes=sorted(mode), observatory="jwst")
            assert {reftype for reftype, path in found.items() if Path(path).is_file()} == mode


def test_bright_object_fills_pixels_but_does_not_saturate_them():
    (case,) = (case for case in cases.CASES if "bright object" in case.name)
    config = case.configs[0]
    assert (config.exposure_type, config.subarray, config.ngroups, config.nints) == ("NRS_BRIGHTOBJ", "SUB512", 7, 100)
    _, truth = simulate.make_exposure(replace(config, nints=1))
    filled = truth.rate * truth.pixels.gain * config.integration_time / config.sca.full_well
    assert 0.5 < filled.max() < 0.8
    is_lit = truth.rate > 0.1 * truth.rate.max()
    assert (truth.saturated_from[0][is_lit] == 7).mean() > 0.99


def test_the_docs_list_the_cases():
    section = (ROOT / "docs" / "benchmarks.md").read_text().split("\n## Cases\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.count("|") == 6]
    first = [(case.name, case.configs[0]) for case in cases.CASES]
    expected = [[name, config.detector, config.readpatt, config.pixels.ipc_kernel] for name, config in first]
    assert [row[:4] for row in rows[2:]] == expected


# --- a device ---


def device_benchmark(*arguments):
    command = [sys.executable, "-m", "benchmarks.device", "--tiny", "--markdown", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("switch", "syncs"), [("1", 1), ("0", 0)])
def test_the_floor_syncs_as_gpipe_does(switch, syncs, tmp_path, monkeypatch):
    heard = []
    monkeypatch.setenv("GPIPE_SYNC", switch)
    monkeypatch.setattr("os.fsync", lambda descriptor: heard.append(os.fstat(descriptor).st_size))
    assert _transfer(SimpleNamespace(paths=[], references=[]), planes=0, products=3_000_000, folder=str(tmp_path)) > 0
    assert heard == [3_000_000] * syncs


def test_the_cost_of_durability_is_a_row_for_each_size(tmp_path, monkeypatch):
    monkeypatch.setenv("GPIPE_SYNC", "0")
    assert re.search(r"^\| 8 x 8 \| 0.\d \| \d+ \| \d+ \| -?\d+ \|$", durability.table(tmp_path, [8], 3), re.MULTILINE)


def test_the_benchmark_of_a_device_shows_functions_transfers_and_steps():
    done = device_benchmark("--backend", "numpy")
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| 64x64")]
    shown = {row[1]: row[2:] for row in rows}
    for function in device.LEAST:
        calls, kernel, portable, moved, rate, _ = shown[function]
        assert int(calls) > 0
        assert float(rate) == pytest.approx(float(moved) / float(kernel), rel=0.05)
        assert float(portable) > 0
    assert int(shown["to_host"][0]) > 0
    assert {"saturation", "jump", "ramp_fit"} <= shown.keys()


def test_the_benchmark_of_a_device_says_in_a_line_that_there_is_none():
    if is_gpu_here():
        pytest.skip("this machine has a GPU")
    done = device_benchmark()
    assert done.returncode == 1
    assert done.stderr.startswith("benchmarks.device: backend 'cupy': ")
    assert done.stderr.count("\n") == 1


def is_gpu_here():
    try:
        backends.get("cupy")
    except BackendError:
        return False
    return True


def test_functions_of_a_device_are_watched_with_their_kernels_or_without():
    backend = NumpyBackend()
    for kernels in (True, False):
        watch = device.Watch(backend, kernels=kernels)
        with watch.on():
            assert backend.native(large_groups) is large_groups
            subtract = backend.native(subtract_darks)
            zeros = np.zeros((1, 2, 3, 4), np.float32)
            subtract(zeros, np.zeros((3, 4), np.uint32), [zeros[0]], np.zeros((3, 4), np.uint32))
            backend.to_host(zeros)
        assert watch.spent["subtract_darks"].moved == 8 * 24
        assert watch.spent["to_host"].moved == zeros.nbytes
        assert watch.spent["subtract_darks"].calls == 1
    assert backend.to_host.__func__ is NumpyBackend.to_host


def test_the_least_bytes_of_functions_are_those_of_the_docs():
    table = re.findall(r"^\| `(\w+)` \| (\d+) \| ", (ROOT / "docs" / "gpu.md").read_text(), re.MULTILINE)
    assert dict(table) == {name: str(count) for name, count in device.LEAST.items()}


@pytest.mark.thorough
def test_the_benchmark_of_the_command_line_prints_all_figures(tmp_path):
    lines = command_line.table(small(), tmp_path, runs=1, full_frame=False).splitlines()
    assert len(lines) == 9
    assert all(float(line.split(" | ")[1]) > 0 for line in lines[2:])
