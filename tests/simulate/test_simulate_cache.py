"""The crds client, with no server, serves what the simulator wrote."""

from dataclasses import replace
from pathlib import Path

import crds
import numpy as np
import pytest
from astropy.io import fits
from crds.core.exceptions import CrdsLookupError
from helpers.simulated import QUIET, mid_infrared, small
from stdatamodels.jwst import datamodels

from gpipe import dq
from gpipe.exceptions import ParameterError
from gpipe.simulate import DetectorEffects, ExposureConfig, write_cache, write_exposure
from gpipe.simulate.pixels import make_pixels

DETECTOR1 = ["mask", "saturation", "superbias", "linearity", "dark", "gain", "readnoise"]
NOT_APPLICABLE = ["ipc", "refpix", "rscd", "reset", "flat", "pastasoss", "pictureframe", "emicorr"]
BUSY = DetectorEffects(hot_fraction=0.02, dead_fraction=0.01, gap_fraction=0.01)
NIRCAM = small(pixels=BUSY)
NIRISS = ExposureConfig(detector="NIS", readpatt="NIS", subarray="SUB80", ngroups=3)
MIRI = mid_infrared(pixels=BUSY, nints=3)
OF_MIRI = {"superbias": False, "rscd": True, "reset": True, "emicorr": True}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return write_cache([NIRCAM, NIRISS, MIRI], tmp_path_factory.mktemp("crds"), full_frame=False)


def ask(config, reftypes, tmp_path):
    with datamodels.open(write_exposure(config, tmp_path).path) as model:
        return crds.getreferences(model.get_crds_parameters(), reftypes=reftypes, observatory="jwst")


@pytest.mark.parametrize("config", [NIRCAM, NIRISS], ids=["nircam", "niriss"])
def test_crds_finds_every_reference_of_the_chain(cache, config, tmp_path):
    with cache.activated():
        found = ask(config, DETECTOR1 + NOT_APPLICABLE, tmp_path)
    instrument = config.sca.instrument.lower()
    for reftype in DETECTOR1:
        assert found[reftype] == str(
            cache.folder / f"references/jwst/{instrument}/jwst_{instrument}_{reftype}_0001.fits"
        )
        with datamodels.open(found[reftype]) as model:
            assert model.meta.instrument.detector == config.detector
    assert all(found[reftype].startswith("NOT FOUND n/a") for reftype in NOT_APPLICABLE)


def test_crds_finds_what_only_miri_has_and_nothing_that_it_has_not(cache, tmp_path):
    with cache.activated():
        found = ask(MIRI, [*DETECTOR1, *NOT_APPLICABLE], tmp_path)
    applicable = {reftype for reftype, path in found.items() if not path.startswith("NOT FOUND n/a")}
    assert applicable == {reftype for reftype in found if OF_MIRI.get(reftype, reftype in DETECTOR1)}
    for reftype in applicable:
        with datamodels.open(found[reftype]) as model:
            assert model.meta.instrument.name == "MIRI"


def test_darks_of_miri_differ_between_the_first_and_later_integrations(cache):
    pixels = make_pixels(MIRI.sca, MIRI.window, BUSY)
    keep = ~pixels.gaps["dark"]
    with datamodels.DarkMIRIModel(cache.reference("MIRI", "dark")) as model:
        assert model.data.shape == (2, 5, 64, 72)
        assert model.dq.shape == (2, 1, 64, 72)
        signal = MIRI.frame_time * 5 * pixels.dark / pixels.gain
        np.testing.assert_allclose(model.data[1, -1][keep], signal[keep], rtol=1e-6)
        np.testing.assert_allclose(model.data[0, -1][keep], MIRI.sca.first_dark * signal[keep], rtol=1e-6)


def test_fast_and_slow_readout_have_references_of_their_own(tmp_path):
    fast = mid_infrared(subarray="FULL", ngroups=1, noise=replace(QUIET, read_noise=1.0))
    slow, averaged = (replace(fast, readpatt=name) for name in ("SLOWR1", "FASTGRPAVG"))
    cache = write_cache([fast, slow, averaged], tmp_path, full_frame=False)
    with cache.activated():
        found = [ask(config, ["readnoise", "dark", "reset"], tmp_path) for config in (fast, slow, averaged)]
    noise, dark, reset = ([files[reftype] for files in found] for reftype in ("readnoise", "dark", "reset"))
    assert noise[0] == noise[2] != noise[1]
    assert dark[0] == dark[2] != dark[1]
    assert len(set(reset)) == 3
    fast_noise, slow_noise = (fits.getdata(path, "SCI")[0, 0] ** 2 / 2 - 1 / 12 for path in noise[:2])
    assert fast_noise / slow_noise == pytest.approx(9, rel=1e-3)


def test_one_process_can_go_from_cache_to_cache(cache, tmp_path):
    other = write_cache([NIRISS], tmp_path / "other", full_frame=False)
    for current in (cache, other, cache):
        with current.activated():
            assert str(current.folder) in ask(NIRISS, ["gain"], tmp_path)["gain"]
    with other.activated(), pytest.raises(Exception, match="nircam"):
        ask(NIRCAM, ["gain"], tmp_path)


def test_the_environment_is_as_it_was_afterwards(cache, monkeypatch):
    monkeypatch.setenv("CRDS_PATH", "/somewhere")
    monkeypatch.delenv("CRDS_CONTEXT", raising=False)
    with cache.activated():
        import os

        assert os.environ["CRDS_PATH"] == str(cache.folder)
    assert os.environ["CRDS_PATH"] == "/somewhere"
    assert "CRDS_CONTEXT" not in os.environ


def test_references_are_the_pixels(cache):
    pixels = make_pixels(NIRCAM.sca, NIRCAM.window, BUSY)
    expected = {"superbias": pixels.bias, "saturation": pixels.saturation, "gain": pixels.gain}
    for reftype, values in expected.items():
        with datamodels.open(cache.reference("NIRCAM", reftype)) as model:
            found, gaps = np.array(model.data), pixels.gaps[reftype]
        np.testing.assert_array_equal(np.isnan(found), gaps)
        np.testing.assert_array_equal(found[~gaps], values[~gaps])
    with datamodels.open(cache.reference("NIRCAM", "linearity")) as model:
        keep = ~pixels.gaps["linearity"]
        np.testing.assert_array_equal(model.coeffs[:, keep], pixels.coefficients[:, keep])
        np.testing.assert_array_equal(model.dq, np.where(keep, 0, dq.NO_LIN_CORR))


def test_flags_are_numbered_in_the_files_own_way_and_translate(cache):
    path = cache.reference("NIRCAM", "mask")
    pixels = make_pixels(NIRCAM.sca, NIRCAM.window, BUSY)
    assert fits.getdata(path, "DQ").max() < 16 < pixels.dq.max()
    with datamodels.MaskModel(path) as model:
        np.testing.assert_array_equal(model.dq, pixels.dq)


def test_the_dark_grows_with_every_frame_that_is_read(cache):
    pixels = make_pixels(NIRISS.sca, NIRISS.window, NIRISS.pixels)
    with datamodels.DarkModel(cache.reference("NIRISS", "dark")) as model:
        assert model.data.shape == (12, 80, 80)
        assert (model.meta.exposure.nframes, model.meta.exposure.groupgap) == (1, 0)
        keep = ~pixels.gaps["dark"]
        signal = NIRISS.frame_time * 12 * pixels.dark / pixels.gain
        np.testing.assert_allclose(model.data[-1][keep], signal[keep], rtol=1e-6)
        np.testing.assert_allclose(model.data[0][keep] * 12, signal[keep], rtol=1e-6)


def test_full_frame_references_hold_the_same_pixels(cache, tmp_path):
    whole = write_cache([NIRCAM], tmp_path, full_frame=True)
    rows, columns = slice(1816, 1880), slice(1850, 1914)
    for reftype in ("superbias", "mask"):
        with (
            fits.open(whole.reference("NIRCAM", reftype)) as full,
            fits.open(cache.reference("NIRCAM", reftype)) as cut,
        ):
            name = "DQ" if reftype == "mask" else "SCI"
            assert full[name].shape == (2048, 2048)
            assert (full[0].header["SUBSTRT1"], cut[0].header["SUBSTRT1"]) == (1, 1851)
            np.testing.assert_array_equal(full[name].data[rows, columns], cut[name].data)
    with fits.open(whole.reference("NIRCAM", "dark")) as dark:
        assert dark["SCI"].shape == (5, 64, 64)


def test_a_window_reference_spans_all_exposures_of_its_detector(tmp_path):
    other = replace(NIRCAM, subarray="SUB160P", ngroups=7)
    cache = write_cache([NIRCAM, other], tmp_path, full_frame=False)
    with fits.open(cache.reference("NIRCAM", "gain")) as gain:
        assert gain["SCI"].shape == (160, 160)
    with cache.activated():
        darks = [ask(config, ["dark"], tmp_path)["dark"] for config in (NIRCAM, other)]
    assert [fits.getdata(path, "SCI").shape for path in darks] == [(5, 64, 64), (7, 160, 160)]


def test_parameter_files_are_found(tmp_path):
    tree = {"class": "jwst.jump.jump_step.JumpStep", "name": "jump", "parameters": {"rejection_threshold": 7.5}}
    cache = write_cache([NIRCAM], tmp_path, pars={"pars-jumpstep": tree}, full_frame=False)
    with cache.activated():
        path = ask(NIRCAM, ["pars-jumpstep"], tmp_path)["pars-jumpstep"]
    assert path == str(cache.reference("nircam", "pars-jumpstep"))
    assert "rejection_threshold: 7.5" in cache.reference("nircam", "pars-jumpstep").read_bytes().decode()


def test_files_of_other_types_are_found_and_others_do_not_apply(tmp_path):
    other = tmp_path / "mine.json"
    other.write_text("{}")
    cache = write_cache([NIRCAM], tmp_path, others={"msaoper": other, "regions": None}, full_frame=False)
    with cache.activated():
        found = ask(NIRCAM, ["msaoper", "regions"], tmp_path)
    assert Path(found["msaoper"]).name == "jwst_nircam_msaoper_0001.json"
    assert Path(found["msaoper"]).read_text() == "{}"
    assert "N/A" in found["regions"].upper()


def test_a_detector_that_the_cache_was_not_made_for_is_not_found(cache, tmp_path):
    other = replace(NIRCAM, detector="NRCBLONG")
    with cache.activated(), pytest.raises(CrdsLookupError, match="NRCBLONG"):
        ask(other, ["gain"], tmp_path)


def test_exposures_that_one_set_of_references_cannot_describe_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="NRCB1 differ"):
        write_cache([NIRCAM, replace(NIRCAM, pixels=DetectorEffects(seed=2))], tmp_path)
    strip = ExposureConfig(detector="NRCALONG", readpatt="RAPID", subarray="SUBGRISM64", ngroups=2)
    with pytest.raises(ParameterError, match="SUBGRISM64: one and four outputs"):
        write_cache([strip, replace(strip, noutputs=1)], tmp_path)
