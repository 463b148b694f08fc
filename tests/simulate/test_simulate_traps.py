"""Traps of simulated detectors: captured charge, times of release, and their references."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import IDEAL, small
from stdatamodels.jwst import datamodels

from gpipe.exceptions import ParameterError
from gpipe.simulate import ExposureConfig, Scene, make_exposure, write_cache
from gpipe.simulate.traps import FAMILIES, Traps, TrapSites, traps_at_start

TRAPPED = replace(IDEAL, traps=50.0)
BRIGHT = small(pixels=TRAPPED, ngroups=40, scene=Scene(background=2e5, density=0))
DIM = Scene(background=5.0, density=0)


def follow(before, seconds, **changes):
    return small(pixels=TRAPPED, scene=DIM, after=before, start=before.end + seconds, **changes)


def one_pixel(filled=0.0):
    sites = TrapSites(np.full((1, 1), 100, np.float32), np.full((1, 1), 5e4, np.float32))
    return Traps(sites, np.full((len(FAMILIES), 1, 1), filled))


@pytest.mark.parametrize(("rate", "seconds"), [(20.0, 1000.0), (4e4, 1.0), (500.0, 300.0)])
def test_capture_is_the_integral_over_the_time_within_reach(rate, seconds):
    traps = one_pixel()
    traps.capture(np.full((1, 1), rate, np.float32), seconds)
    until_full = min(seconds, 5e4 / rate)
    u = (np.arange(100_000) + 0.5) * until_full / 100_000
    for family, filled in zip(FAMILIES, traps.filled[:, 0, 0], strict=True):
        within = family.slow * (1 - np.exp(-u / family.capture)) + family.at_once
        share = np.mean(2 * u * within) * until_full * (rate / 5e4) ** 2
        rest = family.slow + family.at_once - share
        share += rest * (1 - np.exp(-(seconds - until_full) / family.capture))
        assert filled == pytest.approx(100 * share, rel=1e-5)


def test_what_is_released_is_no_longer_held():
    traps = one_pixel(100.0)
    released = traps.release(50.0) + traps.release(70.0)
    kept = 100 * np.exp([-120 / family.release for family in FAMILIES])
    np.testing.assert_allclose(traps.filled[:, 0, 0], kept)
    assert released[0, 0] == pytest.approx(300 - kept.sum())


def test_a_bright_exposure_is_remembered_and_forgotten():
    signals = []
    for gap in (10.0, 1000.0, 1e6):
        model, truth = make_exposure(follow(BRIGHT, gap, readpatt="DEEP8"))
        signals.append(float(np.mean(model.data[0, -1].astype(float) - model.data[0, 0])))
        assert truth.traps.shape == (len(FAMILIES), 64, 64)
    light = truth.rate.mean() * 80 * BRIGHT.frame_time
    assert signals[0] > signals[1] > signals[2]
    assert signals[2] == pytest.approx(light, abs=0.5)
    assert truth.traps.max() < 1e-12


def test_traps_at_the_start_are_those_of_every_exposure_before():
    second = replace(follow(BRIGHT, 100.0, nints=2), scene=Scene(background=1e5, density=0))
    third = follow(second, 10.0)
    alone = replace(second, after=None)
    both, one = traps_at_start(third).filled, traps_at_start(replace(third, after=alone)).filled
    assert (both > one).all()
    assert traps_at_start(small()) is None


def test_an_integration_fills_traps_for_the_next_one():
    config = small(pixels=TRAPPED, nints=2, ngroups=30, scene=Scene(background=1.5e5, density=0))
    data = make_exposure(config)[0].data.astype(float)
    without = make_exposure(replace(config, pixels=IDEAL))[0].data
    np.testing.assert_array_equal(data[0], without[0])
    assert (data[1, 5] - without[1, 5]).mean() > 0


def test_an_exposure_cannot_start_before_the_one_it_follows_has_ended():
    with pytest.raises(ParameterError, match=r"after: found NRCB1 SUB64P until .* expected the same pixels"):
        small(after=small(), start=0.1)
    with pytest.raises(ParameterError, match="after: found"):
        small(pixels=TRAPPED, after=small(), start=1000)
    with pytest.raises(ParameterError, match="traps are simulated for traditional readout only"):
        ExposureConfig(detector="NRS1", readpatt="NRSIRS2RAPID", ngroups=2, pixels=TRAPPED)


def test_the_header_says_when():
    later = make_exposure(follow(BRIGHT, 500.0, exposure=2))[0].meta.exposure
    earlier = make_exposure(BRIGHT)[0].meta.exposure
    assert (later.start_time - earlier.end_time) * 86400 == pytest.approx(500, abs=0.01)
    assert later.end_time > later.start_time


def test_references_describe_the_traps(tmp_path):
    cache = write_cache([BRIGHT], tmp_path, full_frame=False)
    sites = traps_at_start(BRIGHT).sites
    with datamodels.open(cache.reference("NIRCAM", "trapdensity")) as model:
        np.testing.assert_array_equal(model.data, sites.density)
    with datamodels.open(cache.reference("NIRCAM", "persat")) as model:
        np.testing.assert_array_equal(model.data, sites.full_well)
    with datamodels.open(cache.reference("NIRCAM", "trappars")) as model:
        assert len(model.trappars_table) == len(FAMILIES)
        assert (model.trappars_table["decay_param"] < 0).all()


def test_a_detector_without_traps_has_no_references_of_them(tmp_path):
    cache = write_cache([small()], tmp_path, full_frame=False)
    assert not cache.reference("NIRCAM", "trapdensity").exists()
    imap = (cache.folder / "mappings/jwst/jwst_nircam_0001.imap").read_text()
    assert "'PERSAT' : 'N/A'" in imap
