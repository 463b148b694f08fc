"""Small JWST files, made by stdatamodels itself."""

import numpy as np
import pytest
from helpers.small_models import describe
from stdatamodels.jwst import datamodels

import gpipe.backends


def make_uncal(shape=(2, 5, 16, 12), *, seed=1, subarray=(101, 201)):
    """A Level1bModel with pixels over the whole range of uint16, group and int_times tables and ZEROFRAME."""
    rng = np.random.default_rng(seed)
    ints, groups, rows, columns = shape
    model = datamodels.Level1bModel()
    describe(model, shape, subarray=subarray)
    model.data = rng.integers(0, 65536, shape, dtype=np.uint16)
    model.data.reshape(-1)[:2] = 0, 65535
    model.zeroframe = rng.integers(0, 65536, (ints, rows, columns), dtype=np.uint16)
    group = np.zeros(ints * groups, dtype=model.get_default("group").dtype)
    group["group_number"] = np.arange(ints * groups)
    model.group = group
    times = np.zeros(ints, dtype=model.get_default("int_times").dtype)
    times["integration_number"] = np.arange(1, ints + 1)
    times["int_mid_MJD_UTC"] = 60000.125
    model.int_times = times
    model.meta.filename = "jw00001_uncal.fits"
    return model


@pytest.fixture
def uncal():
    return make_uncal()


@pytest.fixture
def uncal_path(uncal, tmp_path):
    path = tmp_path / "jw00001_uncal.fits"
    uncal.save(str(path))
    return path


@pytest.fixture
def backend():
    return gpipe.backends.get("numpy")
