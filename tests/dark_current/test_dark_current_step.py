import logging
import tracemalloc

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import DarkMIRIModel, DarkModel, RampModel

import gpipe.backends
from gpipe import dq
from gpipe.controller import References, Skip
from gpipe.dark_current import DarkCurrentStep, dark_exposure
from gpipe.datamodels import Ramp, Reference
from gpipe.exceptions import ReferenceFileError

SHAPE = (1, 3, 8, 10)


def describe(model, nframes, groupgap, ngroups, window=(1, 1, 10, 8)):
    exposure, subarray = model.meta.exposure, model.meta.subarray
    exposure.nframes, exposure.groupgap, exposure.ngroups = nframes, groupgap, ngroups
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = window
    return model


def exposure(nframes=1, groupgap=0, window=(1, 1, 10, 8), *, nints=1, start=None):
    shape = (nints, SHAPE[1], window[3], window[2])
    header = describe(RampModel(), nframes, groupgap, SHAPE[1], window)
    header.meta.exposure.integration_start = start
    return Ramp(
        header=header,
        backend=gpipe.backends.get("numpy"),
        data=np.zeros(shape, np.float32),
        groupdq=np.zeros(shape, np.uint8),
        pixeldq=np.zeros(shape[2:], np.uint32),
        zeroframe=np.full((1, *shape[2:]), 3.0, np.float32),
    )


def dark(ngroups, nframes=1, groupgap=0, **arrays):
    """Pixel values are their own group, from 1, plus a thousandth for each column."""
    data = np.arange(1.0, ngroups + 1)[:, None, None] + np.zeros(SHAPE[2:]) + np.arange(SHAPE[3]) / 1000
    model = DarkModel(data=data.astype(np.float32), dq=np.zeros(SHAPE[2:], np.uint32), **arrays)
    return Reference("dark", describe(model, nframes, groupgap, ngroups))


def apply(ramp, reference, **parameters):
    return DarkCurrentStep(**parameters).apply(ramp, References({"dark": reference}))


def test_exposure_keeps_what_the_step_does_not_touch():
    ramp = exposure()
    out = apply(ramp, dark(5))
    np.testing.assert_allclose(out.data[0, :, 0, 0], [-1, -2, -3])
    assert out.groupdq is ramp.groupdq
    assert out.zeroframe is ramp.zeroframe


def test_subarray_is_cut_out_of_the_dark():
    out = apply(exposure(window=(4, 2, 5, 3)), dark(3))
    np.testing.assert_allclose(out.data[0, 0], -1 - np.arange(3, 8) / 1000 + np.zeros((3, 1)), rtol=1e-6)


@pytest.mark.parametrize(
    ("sampling", "wanted"), [((1, 0), {0, 1, 2}), ((2, 3), {0, 1, 5, 6, 10, 11}), ((1, 9), {0, 10, 20})]
)
def test_only_the_groups_that_are_needed_are_read(monkeypatch, sampling, wanted):
    reference, read = dark(40), set()
    load = Reference.load

    def remember(self, array, ramp, *, first=None):
        if array == "data":
            read.update(range(first[-1].start, first[-1].stop))
        return load(self, array, ramp, first=first)

    monkeypatch.setattr(Reference, "load", remember)
    out = apply(exposure(*sampling), reference)
    assert read == wanted
    means = np.array(sorted(wanted)).reshape(3, -1).mean(axis=1) + 1
    np.testing.assert_allclose(out.data[0, :, 0, 0], -means)


@pytest.mark.parametrize("sampling", [(1, 0), (2, 0), (3, 0), (3, 1)])
@pytest.mark.parametrize("available", [5, 9, 12])
def test_how_much_of_a_dark_is_read_at_once_makes_no_difference(monkeypatch, sampling, available):
    found = []
    for samples in (1, 2 * 80, 6 * 80, 1 << 20):
        monkeypatch.setattr(dark_exposure, "AT_ONCE", samples)
        found.append(apply(exposure(*sampling), dark(available)).data)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    frames, gap = sampling
    groups = np.arange(3)[:, None] * (frames + gap) + np.arange(frames)
    np.testing.assert_allclose(found[0][0, :, 0, 0], -(groups + 1).mean(axis=1), rtol=1e-6)


@pytest.mark.parametrize("sampling", [(1, 0), (2, 0)])
@pytest.mark.parametrize("samples", [1, 1 << 20])
def test_a_dark_that_is_unknown_in_a_group_that_is_used_is_told_in_the_flags(monkeypatch, sampling, samples):
    monkeypatch.setattr(dark_exposure, "AT_ONCE", samples)
    reference = dark(9, average_dark_current=np.full(SHAPE[2:], 0.5, np.float32))
    reference.model.data[2, 3, 4], reference.model.data[8, 3, 5] = np.nan, np.nan
    reference.model.average_dark_current[1, 1] = np.nan
    for _ in range(2):  # the second exposure may find the dark in the cache
        out = apply(exposure(*sampling), reference)
        expected = np.zeros(SHAPE[2:], np.uint32)
        expected[3, 4] = expected[1, 1] = dq.UNRELIABLE_DARK
        np.testing.assert_array_equal(out.pixeldq, expected)
        assert np.isfinite(out.data).all()
        assert out.average_dark_current[1, 1] == 0


def test_short_dark_is_extrapolated_and_said_so(caplog):
    with caplog.at_level(logging.WARNING, logger="gpipe"):
        out = apply(exposure(), dark(2))
    np.testing.assert_allclose(out.data[0, :, 0, 0], [-1, -2, -3])
    assert "has 2 groups, 3 are needed" in caplog.text


@pytest.mark.parametrize(("nframes", "groupgap"), [(20, 0), (20, 3), (40, 0)])
def test_groups_of_many_frames_take_little_memory(monkeypatch, nframes, groupgap):
    """The same numbers as if all frames were in memory; twenty thousand of them would be gigabytes."""
    reference, ramp = dark(25), exposure(nframes, groupgap)
    expected = apply(ramp, reference)
    monkeypatch.setattr(dark_exposure, "AT_ONCE", 1)
    monkeypatch.setattr(dark_exposure, "LONGEST_GROUP", 3)
    np.testing.assert_allclose(apply(ramp, reference).data, expected.data, rtol=1e-6)


def test_a_group_of_twenty_thousand_frames():
    tracemalloc.start()
    out = apply(exposure(nframes=20000, groupgap=0), dark(6))
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    np.testing.assert_allclose(out.data[0, :, 0, 0], [-10000.5, -30000.5, -50000.5], rtol=1e-6)


def test_dark_of_one_group_cannot_be_extrapolated():
    with pytest.raises(ReferenceFileError, match="found 1 group, expected at least 2"):
        apply(exposure(), dark(1))


@pytest.mark.parametrize("of_dark", [(2, 0), (1, 1), (4, 2)])
def test_dark_of_another_sampling_skips_the_step(of_dark):
    with pytest.raises(Skip, match="NFRAMES=1, GROUPGAP=0"):
        apply(exposure(), dark(9, *of_dark))


def test_dark_output_says_what_it_is():
    produced = apply(exposure(2, 1, window=(4, 2, 5, 3)), dark(9), dark_output="mine.fits")
    (product,) = produced.side_products
    model, subarray = product.model, product.model.meta.subarray
    assert product.output_file == "mine.fits"
    assert (model.meta.exposure.nframes, model.meta.exposure.groupgap, model.meta.exposure.ngroups) == (2, 1, 3)
    assert (subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize) == (4, 2, 5, 3)
    np.testing.assert_allclose(model.data, -produced.results[0].data[0])


def test_dark_output_of_a_dark_used_as_it_is_holds_all_its_groups():
    (product,) = apply(exposure(), dark(7), dark_output="mine.fits").side_products
    np.testing.assert_allclose(product.model.data[:, 0, 0], np.arange(1, 8))


def test_dark_current_of_another_shape_is_left_out(caplog):
    reference = dark(3, average_dark_current=np.ones((2, 10), np.float32))
    reference.meta.exposure.average_dark_current = 0.5
    with caplog.at_level(logging.WARNING, logger="gpipe"):
        out = apply(exposure(), reference)
    np.testing.assert_array_equal(out.average_dark_current, np.full((8, 10), 0.5))
    assert "expected (8, 10); it is not used" in caplog.text


def miri_dark(nints, ngroups, nframes=1, groupgap=0, **arrays):
    """Pixel values are 100 times their integration plus their group, both from 1; each integration has its flag."""
    values = 100.0 * np.arange(1, nints + 1)[:, None] + np.arange(1, ngroups + 1)
    data = values[..., None, None] + np.zeros(SHAPE[2:])
    flags = (np.zeros(SHAPE[2:], np.uint32) + 2 ** np.arange(nints, dtype=np.uint32)[:, None, None, None]).astype(
        np.uint32
    )
    model = DarkMIRIModel(data=data.astype(np.float32), dq=flags, **arrays)
    return describe(model, nframes, groupgap, ngroups)


@pytest.fixture(params=["model", "file"])
def miri(request, tmp_path):
    """Makes a reference of such a dark."""

    def make(*args, **kwargs):
        model = miri_dark(*args, **kwargs)
        if request.param == "model":
            return Reference("dark", model)
        model.save(str(tmp_path / "dark.fits"))
        return Reference("dark", tmp_path / "dark.fits")

    return make


@pytest.mark.parametrize(
    ("nints", "start", "expected"),
    [
        (1, None, [100]),
        (5, None, [100, 200, 300, 300, 300]),
        (2, 1, [100, 200]),
        (2, 2, [200, 300]),
        (2, 9, [300, 300]),
    ],
)
def test_each_integration_has_its_dark_and_later_ones_the_last(miri, nints, start, expected):
    out = apply(exposure(nints=nints, start=start, window=(4, 2, 5, 3)), miri(3, 4))
    np.testing.assert_array_equal(-out.data[..., 0, 0], np.array(expected)[:, None] + [1, 2, 3])
    assert (out.pixeldq == 0b111).all()


def test_only_the_integrations_that_are_needed_are_read(monkeypatch):
    read = []
    load = Reference.load

    def remember(self, array, ramp, *, first=None):
        if array == "data":
            read.extend((first[0], group) for group in range(first[1].start, first[1].stop))
        return load(self, array, ramp, first=first)

    monkeypatch.setattr(Reference, "load", remember)
    apply(exposure(nints=4, start=2), Reference("dark", miri_dark(3, 9)))
    assert read == [(integration, group) for integration in (1, 2) for group in range(3)]


def test_darks_of_integrations_are_averaged_and_extrapolated(miri, caplog):
    out = apply(exposure(nframes=2, nints=2), miri(2, 4))
    np.testing.assert_allclose(-out.data[..., 0, 0], [[101.5, 103.5, 105.5], [201.5, 203.5, 205.5]])
    assert "has 4 groups, 6 are needed" in caplog.text


@pytest.mark.parametrize(("nframes", "groups"), [(1, 7), (2, 3)])
def test_dark_output_has_all_integrations(miri, nframes, groups):
    ramp = exposure(nframes=nframes, nints=1, window=(4, 2, 5, 3))
    produced = apply(ramp, miri(3, 7), dark_output="mine.fits")
    (product,) = produced.side_products
    model = product.model
    assert isinstance(model, DarkMIRIModel)
    assert (model.data.shape, model.dq.shape) == ((3, groups, 3, 5), (3, 1, 3, 5))
    assert model.meta.exposure.ngroups == groups
    np.testing.assert_allclose(model.data[0, :3], -produced.results[0].data[0])
    np.testing.assert_allclose(model.data[1] - model.data[0], 100)
    assert model.dq[:, 0, 0, 0].tolist() == [1, 2, 4]


def test_a_dark_of_integrations_without_flags():
    reference = miri_dark(2, 3)
    del reference.instance["dq"]
    produced = apply(exposure(), Reference("dark", reference), dark_output="mine.fits")
    assert not produced.results[0].pixeldq.any()
    assert produced.side_products[0].model.dq.shape == (1, 1, *SHAPE[2:])
