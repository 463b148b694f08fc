"""Exposures of many kinds on a device, file to file, beside the same ones on NumPy.

On the stand-in, which refuses to hand an array to NumPy unless it is asked to, the bits are the same. With the kernels
of the GPU, built for the processor, and on a GPU, if one answers, the numbers agree as far as rounding goes.
"""

import re
from contextlib import contextmanager

import numpy as np
import pytest
from helpers import comparison, cuda_on_host
from helpers.device_kinds import KINDS
from helpers.strict_backend import StrictBackend
from stdatamodels.jwst import datamodels

import gpipe.backends
from gpipe.backends import native
from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels.exposures.rate import Rate
from gpipe.exceptions import BackendError
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import ExposureConfig, write_cache, write_exposure

OF_STAGE_1 = {name for name in native.CUDA if not name.startswith("gpipe.resample.")}
FOR_SNOWBALLS = {"gpipe.jump.groups_host.large_groups"}

PLACES = [
    "stand-in",
    pytest.param("kernels", marks=cuda_on_host.needs_compiler),
    pytest.param("gpu", marks=pytest.mark.gpu),
]


@pytest.fixture(params=PLACES)
def place(request, monkeypatch):
    if request.param == "stand-in":
        return StrictBackend()
    if request.param == "kernels":
        cuda_on_host.stand_in(monkeypatch)
        return cuda_on_host.OnTheProcessor()
    try:
        return gpipe.backends.get("cupy")
    except BackendError as error:
        pytest.skip(str(error))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def written(kind, folder):
    """Path of the exposure and parameters, while its references are those of CRDS."""
    config, steps = KINDS[kind]
    config = ExposureConfig(**config)
    path = write_exposure(config, folder).path
    with write_cache([config], folder / "cache", full_frame=config.subarray == "FULL").activated():
        yield path, steps


@pytest.mark.parametrize("kind", KINDS)
def test_products_are_those_of_numpy(place, kind, folder):
    with written(kind, folder) as (path, steps):
        expected = products(path, folder / "expected", steps, NumpyBackend(use_kernels=False))
        found = products(path, folder / "found", steps, place)
    assert found.keys() == expected.keys()
    if is_stand_in := isinstance(place, StrictBackend):
        assert place.moved >= expected["rate"].data.nbytes  # the work was done there
    for suffix in ("rate", "rateints"):
        assert_same(suffix, found[suffix], expected[suffix], exactly=is_stand_in)


@pytest.mark.parametrize("place", PLACES[1:], indirect=True)
def test_snowballs_are_looked_for_where_the_pixels_are(place, folder, caplog):
    with written("snowballs", folder) as (path, steps), caplog.at_level("INFO"):
        products(path, folder / "expected", steps, NumpyBackend(use_kernels=False))
        products(path, folder / "found", steps, place)
    counts = re.findall(r"(\d+) snowballs", caplog.text)
    assert counts[0] == counts[1] != "0"
    assert "looked for on the host" not in caplog.text
    check_kernels(place, OF_STAGE_1)


@pytest.mark.parametrize("place", PLACES[1:], indirect=True)
@pytest.mark.parametrize("kind", ["ZEROFRAME", "twelve groups"])
def test_steps_ask_for_all_kernels_that_an_exposure_needs(place, kind, folder):
    with written(kind, folder) as (path, steps):
        products(path, folder / "found", steps, place)
    check_kernels(place, OF_STAGE_1 - FOR_SNOWBALLS)


def check_kernels(place, wanted):
    assert not isinstance(place, cuda_on_host.OnTheProcessor) or place.used == wanted


def products(path, folder, steps, backend):
    """Models of the products, by suffix."""
    folder.mkdir()
    Detector1Pipeline.call(
        path, backend=backend, steps=steps, save_results=True, output_dir=str(folder), configure_log=False
    )
    return {file.stem.rpartition("_")[2]: datamodels.open(file) for file in folder.iterdir()}


def assert_same(suffix, found, expected, *, exactly):
    if not exactly:
        agreements = comparison.compare_rates(suffix, found, expected)
        assert all(agreement.different == 0 for agreement in agreements), "\n".join(map(str, agreements))
        return
    for name in Rate.planes:
        ours, theirs = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{suffix} {name}")
        assert np.isfinite(theirs).any()
