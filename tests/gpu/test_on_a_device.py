"""Exposures of many kinds on a device, file to file, beside the same ones on NumPy.

On the stand-in, which refuses to hand an array to NumPy unless it is asked to, the bits are the same. With the kernels
of the GPU, built for the processor, and on a GPU, if one answers, the numbers agree as far as rounding goes.
"""

import re
from contextlib import contextmanager

import comparison
import cuda_on_host
import numpy as np
import pytest
from stdatamodels.jwst import datamodels
from strict_backend import StrictBackend

import gpipe.backends
from gpipe.backends import kernels
from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels.ramp import RATE_ARRAYS
from gpipe.exceptions import BackendError
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene, write_cache, write_exposure

BRIGHT = Scene(background=500.0, density=4e-3, brightest=1e6)
NIRCAM = {"detector": "NRCALONG", "readpatt": "SHALLOW4", "subarray": "SUB64P", "ngroups": 5, "scene": BRIGHT}
RAPID = NIRCAM | {"readpatt": "RAPID"}
HITS = {"noise": NoiseEffects(cosmic_rays=300.0)}
MIRI = {"detector": "MIRIMAGE", "readpatt": "FASTR1", "subarray": "SUB64", "ngroups": 9, "scene": BRIGHT}
SOSS = {"detector": "NIS", "readpatt": "NISRAPID", "subarray": "SUBSTRIP96", "ngroups": 4, "exp_type": "NIS_SOSS"}
BRIGHT_OBJECT = {"detector": "NRS1", "readpatt": "NRSRAPID", "subarray": "SUB2048", "exp_type": "NRS_BRIGHTOBJ"}
FULL = {"detector": "NRCALONG", "readpatt": "SHALLOW4", "ngroups": 3}
NIRSPEC = {"detector": "NRS1", "readpatt": "NRSRAPID", "ngroups": 3}


def cleaned(**how):
    return {"clean_flicker_noise": {"skip": False} | how}


FOR_SNOWBALLS = {"gpipe.jump.groups_host.large_groups"}
KINDS = {
    "ZEROFRAME": (NIRCAM | {"nints": 2, "zero_frame": True}, {}),
    "one group": (RAPID | {"ngroups": 1, "nints": 2}, {"ramp_fit": {"suppress_one_group": False}}),
    "twelve groups": (RAPID | {"ngroups": 12}, {}),
    "ipc": (NIRCAM | {"pixels": DetectorEffects(ipc=0.005)}, {"ipc": {"skip": False}}),
    "charge_migration": (NIRCAM, {"charge_migration": {"skip": False, "signal_threshold": 2000.0}}),
    "persistence": (NIRCAM, {"persistence": {"skip": False, "algorithm": "trap_model"}}),
    "persistence_time": (NIRCAM, {"persistence": {"skip": False, "persistence_time": 1000}}),
    "gain_scale": (NIRCAM | {"gain_factor": 1.2}, {}),
    "sigma clipping": (RAPID | HITS | {"nints": 30}, {"jump": {"minimum_sigclip_groups": 10}}),
    "clipping of all": (RAPID | HITS | {"nints": 12}, {"jump": {"minimum_sigclip_groups": 10, "only_use_ints": False}}),
    "after jumps": (
        NIRCAM | HITS,
        {"jump": {"after_jump_flag_dn1": 100, "after_jump_flag_time1": 200}},
    ),
    "snowballs": (
        NIRCAM | {"nints": 2, "seed": 5, "noise": NoiseEffects(snowballs=100.0)},
        {"jump": {"expand_large_events": True}},
    ),
    "LIKELY": (NIRCAM | {"nints": 2}, {"ramp_fit": {"algorithm": "LIKELY"}}),
    "save_opt": (NIRCAM | {"nints": 2}, {"ramp_fit": {"save_opt": True}}),
    "saved on the way": (NIRCAM, {"refpix": {"save_results": True}, "jump": {"save_results": True}}),
    "1/f, model": (NIRCAM | {"nints": 2}, cleaned(background_method="model")),
    "1/f, median": (NIRCAM, cleaned(background_method="median", single_mask=False)),
    "1/f, fft": (NIRCAM, cleaned(fit_method="fft")),
    "1/f, autoparam": (NIRCAM, cleaned(autoparam=True)),
    "MIRI": (MIRI | {"nints": 3, "exp_type": "MIR_IMAGE"}, {"firstframe": {"skip": False}}),
    "showers": (
        MIRI | {"subarray": "SUB256", "ngroups": 14, "scene": Scene(), "noise": NoiseEffects(showers=10.0)},
        {"jump": {"find_showers": True}},
    ),
    "emicorr, joint": (MIRI | {"nints": 2}, {"emicorr": {"skip": False, "algorithm": "joint"}}),
    "emicorr, sequential": (MIRI | {"nints": 2}, {"emicorr": {"skip": False, "algorithm": "sequential"}}),
    "slitless prism": (MIRI | {"subarray": "SLITLESSPRISM", "nints": 3}, {}),
    "SOSS": (SOSS | {"nints": 2, "scene": BRIGHT}, cleaned()),
    "bright object": (BRIGHT_OBJECT | {"ngroups": 5, "nints": 2}, {}),
    "guider": ({"detector": "GUIDER1", "readpatt": "FGSRAPID", "subarray": "SUB128LL", "ngroups": 5}, {}),
    "stripes": ({"detector": "NRCA1", "readpatt": "RAPID", "subarray": "SUB164STRIPE4_DHS", "ngroups": 4}, {}),
    "full frame": (FULL, cleaned(fit_method="fft")),
    "SIRS": (FULL, {"refpix": {"refpix_algorithm": "sirs"}}),
    "IRS2": (NIRSPEC | {"readpatt": "NRSIRS2RAPID"}, {"refpix": {"irs2_mean_subtraction": True}}),
    "picture frame": (
        NIRSPEC | {"noise": NoiseEffects(picture_frame=5.0)},
        {"picture_frame": {"skip": False, "mask_science_regions": False}},
    ),
}


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
    counts = re.findall(r"(\d+) snowballs found", caplog.text)
    assert counts[0] == counts[1] != "0"
    assert "looked for on the host" not in caplog.text
    check_kernels(place, set(kernels.CUDA))


@pytest.mark.parametrize("place", PLACES[1:], indirect=True)
@pytest.mark.parametrize("kind", ["ZEROFRAME", "twelve groups"])
def test_steps_ask_for_all_kernels_that_an_exposure_needs(place, kind, folder):
    with written(kind, folder) as (path, steps):
        products(path, folder / "found", steps, place)
    check_kernels(place, set(kernels.CUDA) - FOR_SNOWBALLS)


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
    for name in RATE_ARRAYS:
        ours, theirs = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{suffix} {name}")
        assert np.isfinite(theirs).any()
