"""A bright exposure, and a faint one soon after it: simulated traps, corrected by what gpipe remembers of the first."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from gpipe import dq, simulate
from gpipe.controller import StepStarted, watch
from gpipe.pipeline import Detector1Pipeline

DETECTOR = simulate.DetectorEffects(traps=50.0, hot_fraction=0, dead_fraction=0, gap_fraction=0)
NOISE = simulate.NoiseEffects(
    photon_noise=False, cosmic_rays=0, read_noise=0, one_over_f=0, ktc=0, amplifier_drift=0, odd_even_drift=0
)
FIRST = simulate.ExposureConfig(
    detector="NRCB1",
    readpatt="RAPID",
    subarray="SUB160",
    ngroups=20,
    nints=2,
    pixels=DETECTOR,
    noise=NOISE,
    scene=simulate.Scene(background=300, density=2e-3, brightest=1e7),
)
SECOND = replace(
    FIRST,
    exposure=2,
    nints=2,
    ngroups=50,
    scene=simulate.Scene(background=40, density=0),
    after=FIRST,
    start=FIRST.end + 20,
)
TRAP_MODEL = {"skip": False, "algorithm": "trap_model"}
QUIET = {"jump": {"skip": True}}


@pytest.fixture(scope="module")
def exposures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("persistence")
    made = [simulate.write_exposure(config, folder) for config in (FIRST, SECOND)]
    return made, simulate.write_cache([FIRST, SECOND], folder / "cache", full_frame=False)


@pytest.fixture
def two(exposures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with exposures[1].activated():
        yield exposures[0]


def rate(exposure, **persistence):
    steps = QUIET | ({"persistence": persistence} if persistence else {})
    return Detector1Pipeline.call(exposure.path, steps=steps, configure_log=False)


def test_the_trap_model_recovers_the_rates(two):
    """To a few hundredths of the persistence; where the first exposure saturated, its groups are too coarse a clock."""
    first, second = two
    rate(first, **TRAP_MODEL, save_trapsfilled=True)
    (saved,) = Path().glob("*")
    assert saved.name == first.path.name.replace("uncal", "trapsfilled")
    corrected = rate(second, **TRAP_MODEL, input_trapsfilled=saved)
    uncorrected = rate(second)
    pixels = first.truth.pixels
    well = pixels.saturation - pixels.bias
    below_the_well = (first.truth.rate * FIRST.integration_time < 0.8 * well) & (pixels.sensitivity > 0)
    before, after = (model.data - second.truth.rate for model in (uncorrected, corrected))
    remembered = below_the_well & (second.truth.traps.sum(axis=0) > 50)
    assert np.count_nonzero(remembered) > 100
    assert np.mean(before[remembered]) > 10 * np.std(before[~remembered & below_the_well])
    np.testing.assert_allclose(after[remembered] / before[remembered], 0, atol=0.1)
    assert abs(np.mean(after[remembered])) < 0.02 * np.mean(before[remembered])
    assert np.nanstd(after) < 0.5 * np.nanstd(before)
    assert corrected.meta.cal_step.persistence == "COMPLETE"
    for reftype in ("trapdensity", "trappars", "persat"):
        assert getattr(corrected.meta.ref_file, reftype).name.startswith("crds://jwst_nircam_")


def test_products_of_the_trap_model(two):
    rate(two[0], **TRAP_MODEL, save_trapsfilled=True, save_persistence=True)
    base = two[0].path.name.removesuffix("_uncal.fits")
    assert sorted(os.listdir()) == [f"{base}_output_pers.fits", f"{base}_trapsfilled.fits"]
    with fits.open(f"{base}_trapsfilled.fits") as opened:
        assert opened["SCI"].data.shape == (3, 160, 160)
        assert opened[0].header["S_PERSIS"] == "COMPLETE"
        assert opened[0].header["EXPEND"] == pytest.approx(60735.25 + FIRST.end / 86400, abs=1e-7)
    with fits.open(f"{base}_output_pers.fits") as opened:
        subtracted = opened["SCI"].data
        assert subtracted.shape == (2, 20, 160, 160)
        assert subtracted[0].max() == 0
        assert subtracted[1, -1].max() > 0
        assert "GROUPDQ" not in opened


def test_where_the_step_runs(two):
    names = []
    with watch(lambda event: names.append(event.name) if isinstance(event, StepStarted) else None):
        rate(two[1], **TRAP_MODEL)
    order = list(dict.fromkeys(names))
    assert order[order.index("persistence") - 1 : order.index("persistence") + 2] == [
        "linearity",
        "persistence",
        "dark_current",
    ]
    names.clear()
    with watch(lambda event: names.append(event.name) if isinstance(event, StepStarted) else None):
        rate(two[1], skip=False, persistence_time=100)
    order = list(dict.fromkeys(names))
    assert order[order.index("persistence") - 1 : order.index("persistence") + 2] == [
        "clean_flicker_noise",
        "persistence",
        "ramp_fit",
    ]


def test_windows_follow_saturated_pixels_into_the_next_exposure(two):
    first, second = two
    window = {"skip": False, "persistence_time": 60, "persistence_dnu": True}
    rate(first, **window, save_persistence="windows.asdf")
    flagged = rate(second, **window, persistence_array_file="windows.asdf")
    saturated = (first.truth.saturated_from[-1] < FIRST.ngroups) & ~np.isnan(first.truth.rate)
    assert 10 < np.count_nonzero(saturated) < saturated.size / 2
    assert np.isnan(flagged.data[saturated]).all()
    assert np.isfinite(flagged.data).mean() > 0.5
    late = rate(second, skip=False, persistence_time=10, persistence_array_file="windows.asdf")
    assert np.isfinite(late.data[saturated]).all()


def test_nothing_but_flags_is_changed_by_windows(two):
    flagged, plain = rate(two[0], skip=False, persistence_time=5), rate(two[0])
    np.testing.assert_array_equal(flagged.data, plain.data)
    gained = flagged.dq & ~plain.dq
    assert set(np.unique(gained)) == {0, dq.PERSISTENCE}


def test_without_references_the_trap_model_is_skipped(two, caplog):
    none = {f"override_{reftype}": "N/A" for reftype in ("trapdensity", "trappars", "persat")}
    assert rate(two[1], **TRAP_MODEL, **none).meta.cal_step.persistence == "SKIPPED"
    assert "no trapdensity and no trappars and no persat reference applies to this exposure" in caplog.text
