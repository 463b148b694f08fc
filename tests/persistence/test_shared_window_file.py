"""One file of persistence windows serves all detectors, also of runs at once and of exposures in a list."""

import os
import time

import asdf
import numpy as np
import pytest
from helpers.stub_steps import uncal

from gpipe.controller.products.background_writer import background_writing
from gpipe.controller.products.naming import OutputSettings
from gpipe.controller.products.saving import Saver
from gpipe.persistence import PersistenceStep
from gpipe.persistence.persistence_windows_host import PersistenceWindows, read_windows

DETECTORS = ("NRCA1", "NRCA2", "NRCA3", "NRCA4")


@pytest.fixture(autouse=True)
def _no_crds(monkeypatch):
    for variable in ("CRDS_PATH", "CRDS_SERVER_URL"):
        monkeypatch.delenv(variable, raising=False)


def save(path, detector):
    number = DETECTORS.index(detector)
    windows = PersistenceWindows(
        detector, (1, 1), np.array([number]), np.array([0]), np.array([5e8 + number]), seconds=10
    )
    Saver("jw1_uncal.fits").save(
        windows, [OutputSettings(output_ext=".asdf")], default_suffix="persistence", output_file=str(path)
    )


def detectors_in(path):
    with asdf.open(path) as file:
        return sorted(set(file.tree) & set(DETECTORS))


def test_windows_are_in_the_file_before_the_next_exposure_begins(tmp_path, monkeypatch):
    path, write = tmp_path / "windows.asdf", PersistenceWindows.save

    def slow(self, to):
        time.sleep(0.1)
        return write(self, to)

    monkeypatch.setattr(PersistenceWindows, "save", slow)
    with background_writing():
        for number, detector in enumerate(DETECTORS, 1):
            save(path, detector)
            assert detectors_in(path) == sorted(DETECTORS[:number])
    assert [file.name for file in tmp_path.iterdir()] == ["windows.asdf"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_keep_the_windows_of_each_other(tmp_path):
    path, children = tmp_path / "windows.asdf", []
    for detector in DETECTORS:
        if (child := os.fork()) == 0:
            try:
                for _ in range(5):
                    save(path, detector)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert detectors_in(path) == sorted(DETECTORS)
    assert [int(read_windows(path, detector).rows[0]) for detector in DETECTORS] == [0, 1, 2, 3]
    assert [file.name for file in tmp_path.iterdir()] == ["windows.asdf"]


def test_exposures_of_a_list_keep_the_windows_of_each_other(tmp_path):
    path, exposures = tmp_path / "windows.asdf", []
    for detector in DETECTORS[:3]:
        exposures.append(uncal())
        exposures[-1].meta.filename = f"jw01_{detector.lower()}_uncal.fits"
        exposures[-1].meta.instrument.detector = detector
        exposures[-1].meta.exposure.start_time = 61000.0
    parameters = {"skip": False, "persistence_time": 1000, "dn_threshold": 5, "save_persistence": str(path)}
    PersistenceStep.call(exposures, configure_log=False, **parameters)
    assert detectors_in(path) == sorted(DETECTORS[:3])
    assert len(read_windows(path, "NRCA2").rows) == 64
