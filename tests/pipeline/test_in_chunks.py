"""An exposure calibrated in chunks: the same bits for all chunks, threads and memory limits; the peak of the plan."""

import threading
import tracemalloc
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import pytest
from array_api_compat import is_array_api_obj
from astropy.io import fits
from helpers.strict_backend import StrictBackend
from stdatamodels.jwst import datamodels

from gpipe import dq, simulate
from gpipe.backends.numpy import NumpyBackend
from gpipe.controller import ChunkDone, watch
from gpipe.controller.plan import chunk_size, threads
from gpipe.controller.run import run
from gpipe.datamodels.files.sources import FitsSource
from gpipe.exceptions import ParameterError
from gpipe.pipeline import Detector1Pipeline
from gpipe.ramp_fitting import RampFitStep

PLANES = ("data", "dq", "err", "var_poisson", "var_rnoise")
SMALL_FRAMES = {"detector": "NRCALONG", "readpatt": "RAPID", "subarray": "SUB320"}
LARGER = simulate.ExposureConfig(**SMALL_FRAMES, ngroups=8, nints=6, seed=5)
MIRI = simulate.ExposureConfig(detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB64", ngroups=9, nints=3, seed=5)


def rates(path, **asked):
    rate = Detector1Pipeline.call(path, configure_log=False, **asked)
    return {name: np.asarray(getattr(rate, name)) for name in PLANES}


def assert_same(found, expected):
    for name in PLANES:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def written(config, folder):
    return simulate.write_exposure(config, folder).path, simulate.write_cache([config], folder / "cache")


@pytest.fixture(scope="module")
def made_larger(tmp_path_factory):
    return written(LARGER, tmp_path_factory.mktemp("larger"))


@pytest.fixture
def larger(made_larger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with made_larger[1].activated():
        yield made_larger[0]


@pytest.fixture
def chunk_samples(monkeypatch):
    return lambda number: monkeypatch.setattr(chunk_size, "CHUNK_SAMPLES", number)


@pytest.mark.parametrize("samples", [1, 1 << 40])
@pytest.mark.parametrize("options", [{}, {"charge_migration": {"skip": False, "signal_threshold": 2000.0}}], ids=str)
def test_results_do_not_depend_on_the_size_of_chunks(exposure, chunk_samples, samples, options):
    chunk_samples(5000)
    expected = rates(exposure, steps=options)
    chunk_samples(samples)
    assert_same(rates(exposure, steps=options), expected)


def test_nor_for_miri(tmp_path, monkeypatch, chunk_samples):
    monkeypatch.chdir(tmp_path)
    path, cache = written(MIRI, tmp_path)
    with cache.activated():
        expected = rates(path)
        chunk_samples(3000)
        assert_same(rates(path), expected)


def test_a_user_may_write_to_one_result_without_a_change_to_another(tmp_path, monkeypatch, chunk_samples):
    chunk_samples(5000)
    monkeypatch.chdir(tmp_path)
    path, cache = written(replace(LARGER, nints=1), tmp_path)
    with cache.activated():
        ramp = Detector1Pipeline.call(path, configure_log=False, steps={"ramp_fit": {"skip": True}})
        of_exposure, of_integrations = RampFitStep.call(ramp, configure_log=False)
    for name in PLANES:
        before = np.array(getattr(of_integrations, name))
        getattr(of_exposure, name)[...] = 1
        np.testing.assert_array_equal(getattr(of_integrations, name), before, err_msg=name)


@pytest.fixture
def in_two_passes(monkeypatch):
    """A context in which ramps are kept between the steps before a summary and those after it."""

    @contextmanager
    def without_previews():
        with monkeypatch.context() as patch:
            patch.setattr(run, "in_one_pass", lambda sections: sections)
            yield

    return without_previews


def test_chunks_go_through_all_steps_after_a_preview(larger, chunk_samples, in_two_passes):
    chunk_samples(1 << 16)
    with in_two_passes():
        expected, kept = rates(larger), Detector1Pipeline.plan(larger)
    plan = Detector1Pipeline.plan(larger)
    assert "after a preview" in str(plan)
    assert "after a preview" not in str(kept)
    assert plan.peak < kept.peak
    assert_same(rates(larger), expected)


def test_an_exposure_that_is_one_chunk_needs_no_preview(exposure):
    assert "after a preview" not in str(Detector1Pipeline.plan(exposure))


@pytest.mark.parametrize("row", [0, 40])
def test_a_preview_that_misled_costs_time_only(tmp_path, monkeypatch, chunk_samples, in_two_passes, caplog, row):
    """A group that all pixels but those of a dark row are without: the brightest rows tell that nobody has it."""
    monkeypatch.chdir(tmp_path)
    path, cache = written(MIRI, tmp_path)
    with datamodels.open(path) as uncal:
        model = datamodels.RampModel()
        model.update({"meta": uncal.meta.instance})
        data = uncal.data.astype(np.float32)
    data[:, :, row] = 1000.0
    model.data, model.groupdq = data, np.zeros(data.shape, np.uint8)
    model.groupdq[:, 1] = dq.DO_NOT_USE
    model.groupdq[:, 1, row] = 0
    chunk_samples(3000)
    with cache.activated():
        with in_two_passes():
            expected = rates(model)
        with caplog.at_level("INFO"):
            found = rates(model)
    assert_same(found, expected)
    assert sum("Repeating the pass" in message for message in caplog.messages) == 1


def test_flags_that_all_chunks_together_take_back_are_taken_back(larger, chunk_samples, caplog, rng):
    """One group of one integration is off in all pixels; sigma clipping flags them all, in chunks and in the whole."""
    with datamodels.open(larger) as uncal:
        model = uncal.copy()
    groups = np.arange(model.data.shape[1])[:, None, None]
    model.data[...] = 10000 + 50 * groups + rng.integers(0, 20, model.data.shape)
    model.data[3, 4:] += 3000
    found_in_all = {"minimum_sigclip_groups": 6, "rejection_threshold": 1.5, "flag_4_neighbors": False}
    planes = {"override_gain": datamodels.GainModel(np.ones((320, 320), np.float32)),
              "override_readnoise": datamodels.ReadnoiseModel(np.ones((320, 320), np.float32))}  # fmt: skip
    for reference in planes.values():
        reference.meta.instrument.name, reference.meta.telescope = "NIRCAM", "JWST"
        for name in ("xstart", "ystart", "xsize", "ysize"):
            setattr(reference.meta.subarray, name, getattr(model.meta.subarray, name))
    options = {
        **{step: {"skip": True} for step in ("superbias", "refpix", "linearity", "dark_current")},
        "jump": found_in_all | planes,
    }
    chunk_samples(1 << 16)
    with caplog.at_level("INFO"):
        found = rates(model, steps=options)
    assert caplog.messages.count("Repeating the pass: counts of the whole exposure change results of jump") == 1
    options["jump"]["pre_hooks"] = [lambda exposure: exposure]  # which get the whole exposure
    caplog.clear()
    assert_same(found, rates(model, steps=options))
    assert not any("Repeating the pass" in message for message in caplog.messages)


def test_reference_output_goes_where_ramps_are_seen(tmp_path, monkeypatch):
    """It is part of ramps, but steps do not look at it, so that runs without a ramp as a product do not read it."""
    monkeypatch.chdir(tmp_path)
    path, cache = written(MIRI, tmp_path)
    expected, loaded = fits.getdata(path, "REFOUT"), []
    plainly_loaded = FitsSource.load
    monkeypatch.setattr(
        FitsSource, "load", lambda self, name, *a, **k: (loaded.append(name), plainly_loaded(self, name, *a, **k))[1]
    )
    with cache.activated():
        rates(path)
        assert "data" in loaded
        assert "refout" not in loaded
        rates(path, save_calibrated_ramp=True)
        (product,) = tmp_path.glob("*_ramp.fits")
        np.testing.assert_array_equal(fits.getdata(product, "REFOUT"), expected)
        Detector1Pipeline.call(path, steps={"jump": {"save_results": True}}, configure_log=False)
        (product,) = tmp_path.glob("*_jump.fits")
        np.testing.assert_array_equal(fits.getdata(product, "REFOUT"), expected)
        ramp = Detector1Pipeline.call(path, steps={"ramp_fit": {"skip": True}}, configure_log=False)
        np.testing.assert_array_equal(ramp.refout, expected)
        seen = []
        rates(path, steps={"jump": {"pre_hooks": [lambda exposure: seen.append(exposure.refout)]}})
        np.testing.assert_array_equal(seen[0], expected)


def test_results_do_not_depend_on_threads(exposure, chunk_samples, monkeypatch):
    chunk_samples(5000)
    names = set()

    def seen(event):
        if isinstance(event, ChunkDone):
            names.update(thread.name for thread in threading.enumerate())

    found = {}
    for count in (1, 4):
        monkeypatch.setattr(threads, "of_steps", lambda steps, count=count: count)
        with watch(seen):
            found[count] = rates(exposure)
        assert any(name.startswith("work-") for name in names) == (count > 1)
    assert_same(found[4], found[1])


def test_nor_on_what_was_calibrated_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configs = [replace(LARGER, nints=1, seed=seed, exposure=seed) for seed in (1, 2, 3)]
    paths = [simulate.write_exposure(config, tmp_path).path for config in configs]
    with simulate.write_cache(configs, tmp_path / "cache").activated():
        forwards = [rates(path) for path in paths]
        backwards = [rates(path) for path in reversed(paths)]
    for found, expected in zip(reversed(backwards), forwards, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("saved", ["dq_init", "refpix", "jump"])
def test_nor_on_steps_that_are_saved_on_the_way(exposure, chunk_samples, saved):
    chunk_samples(5000)
    assert_same(rates(exposure, steps={saved: {"save_results": True}}), rates(exposure))


@pytest.mark.parametrize("limit", ["32 MB", {"host": 32_000_000}], ids=str)
@pytest.mark.parametrize("passes", [1, 2])
def test_a_larger_exposure_streams_through_less_memory(larger, limit, passes, in_two_passes):
    with in_two_passes() if passes == 2 else nullcontext():
        expected = rates(larger)
        plan = Detector1Pipeline.plan(larger, max_memory=limit)
        assert "scratch" in str(plan)
        assert plan.arrays <= 32_000_000 < Detector1Pipeline.plan(larger).arrays
        assert plan.peak > plan.arrays  # the process itself
        assert_same(rates(larger, max_memory=limit), expected)


def test_a_limit_that_cannot_be_kept_is_told_before_work(larger):
    with pytest.raises(ParameterError, match=r"max_memory: found 32 MB; expected .* because jump works on the whole"):
        Detector1Pipeline.call(larger, max_memory="32 MB", steps={"jump": {"expand_large_events": True}})
    with pytest.raises(ParameterError, match=r"max_memory: found .* for chunks of the exposure; expected"):
        Detector1Pipeline.call(larger, max_memory="15 MB")


@pytest.mark.parametrize("limit", [None, "32 MB"])
@pytest.mark.parametrize("config", ["small", "larger", "larger, in two passes"])
def test_the_peak_is_what_the_plan_says(config, limit, request, chunk_samples, monkeypatch):
    """NumPy tells tracemalloc of every array."""
    if "two" in config:
        monkeypatch.setattr(run, "in_one_pass", lambda sections: sections)
    path = request.getfixturevalue("exposure" if config == "small" else "larger")
    chunk_samples(1 << 16)
    plan = Detector1Pipeline.plan(path, max_memory=limit)
    rates(path, max_memory=limit)  # what is imported and kept from the first run on is no part of it
    tracemalloc.start()
    try:
        rates(path, max_memory=limit)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    around = 4_000_000  # headers, metadata, the log
    assert 0.4 * plan.arrays - around < peak < plan.arrays + around


def test_the_plan_names_every_step_once(exposure):
    plan = Detector1Pipeline.plan(exposure, steps={"dark_current": {"dark_output": "dark.fits"}})
    steps = [step.name for planned in plan.sections for step in planned.section.steps]
    assert steps == [step.name for step in Detector1Pipeline().sequence(simulated_meta(exposure))]
    cut = {step.name: planned.section.is_cut for planned in plan.sections for step in planned.section.steps}
    assert not cut["dark_current"]
    assert cut["superbias"]
    assert cut["jump"]
    assert plan.to_device == plan.to_host == 0


def simulated_meta(path):
    from gpipe.datamodels import read_header

    return read_header(path).meta


@pytest.mark.parametrize("free", [1 << 40, 700_000], ids=["fits", "streams"])
def test_a_device_gives_the_same_rates_whether_the_exposure_fits_or_not(exposure, free, monkeypatch):
    """The portable functions on a device, array for array; where it is too small for the exposure, chunk by chunk."""
    place = StrictBackend(free)
    plan = Detector1Pipeline.plan(exposure, backend=place)
    assert plan.storage.name == ("DEVICE" if free > 1 << 30 else "HOST")
    found = rates(exposure, backend=place)
    assert_same(found, rates(exposure, backend=NumpyBackend(use_kernels=False)))
    assert place.moved > 0


def test_an_exposure_in_flight_stays_on_its_device(exposure):
    from gpipe.datamodels import open_exposure

    place = StrictBackend()
    rate = Detector1Pipeline.call(open_exposure(exposure, place), configure_log=False)
    assert all(value.device == place.device for value in vars(rate).values() if is_array_api_obj(value))
