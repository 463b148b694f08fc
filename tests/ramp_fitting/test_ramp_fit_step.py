"""The ramp_fit step: what it reads of metadata and references, what it refuses, what it hands back."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.stub_exposures import StubReference, ramp, references

import gpipe.backends
from gpipe.datamodels import open_exposure
from gpipe.exceptions import InputError
from gpipe.ramp_fitting import RampFitStep
from gpipe.ramp_fitting.timing_exposure import group_limits, used_algorithm

SHAPE = (2, 5, 3, 4)
SAMPLES = np.broadcast_to(20.0 * np.arange(1, 6, dtype=np.float32)[:, None, None], SHAPE).copy()
TIMES = {"frame_time": 10.0, "group_time": 10.0, "drop_frames1": None, "ngroups": 5}


def plane(value):
    return np.full(SHAPE[-2:], value, np.float32)


def refs(gain_factor=None):
    gain = StubReference(data=plane(2), meta=SimpleNamespace(exposure=SimpleNamespace(gain_factor=gain_factor)))
    return references(gain=gain, readnoise=StubReference(data=plane(10)))


def applied(data=SAMPLES, groupdq=None, **parameters):
    exposure = ramp(data, groupdq=groupdq, **TIMES)
    return RampFitStep(**parameters).apply(exposure, refs())


def test_rate_and_rateints_with_metadata_of_their_own():
    produced = applied()
    rate, rateints = produced.results
    assert (rate.data.shape, rateints.data.shape) == (SHAPE[-2:], (2, 3, 4))
    np.testing.assert_allclose(rate.data, 2, rtol=1e-6)
    np.testing.assert_allclose(rateints.data, 2, rtol=1e-6)
    np.testing.assert_allclose(rate.var_rnoise, 12 * 50 / (5**3 - 5) / 100 / 2, rtol=1e-5)
    assert rate.meta is not rateints.meta
    assert produced.side_products == ()


@pytest.mark.parametrize(("factor", "expected"), [(None, None), (4.0, 4.0)])
def test_the_gain_factor_of_the_reference_goes_into_the_products(factor, expected):
    produced = RampFitStep().apply(ramp(SAMPLES, **TIMES), refs(factor))
    assert [r.meta.exposure.gain_factor for r in produced.results] == [expected] * 2


def test_suppress_one_group_and_cores_reach_the_fit():
    groupdq = np.zeros(SHAPE, np.uint8)
    groupdq[:, 1:] = 2
    assert np.isnan(applied(groupdq=groupdq).results[0].data).all()
    kept = applied(groupdq=groupdq, suppress_one_group=False, maximum_cores="all").results[0]
    np.testing.assert_allclose(kept.data, 2, rtol=1e-6)


def test_groups_outside_of_the_limits_do_not_count():
    bent = SAMPLES.copy()
    bent[:, 0], bent[:, -1] = -1000, 9000
    np.testing.assert_allclose(applied(bent, firstgroup=1, lastgroup=3).results[0].data, 2, rtol=1e-6)


def test_charge_loss_is_found_and_restored():
    lost = np.zeros(SHAPE, np.uint8)
    lost[:, 3:] = 129
    np.testing.assert_allclose(applied(groupdq=lost).results[0].var_rnoise, applied().results[0].var_rnoise)


@pytest.mark.parametrize(
    ("asked", "used", "warnings"),
    [
        ((None, None), (0, 7), 0),
        ((2, None), (2, 7), 0),
        ((None, 5), (0, 5), 0),
        ((-3, 5), (0, 5), 1),
        ((1, 9), (1, 9), 1),
        ((5, 5), (None, None), 1),
        ((6, 2), (None, None), 1),
    ],
)
def test_group_limits(asked, used, warnings, caplog):
    with caplog.at_level(logging.WARNING):
        assert group_limits(*asked, 8) == used
    assert len(caplog.records) == warnings


def test_no_limits_for_a_single_group(caplog):
    assert group_limits(None, None, 1) == (None, None)
    assert not caplog.records


def meta(ngroups=5, instrument="NIRCAM", **exposure):
    return SimpleNamespace(
        instrument=SimpleNamespace(name=instrument), exposure=SimpleNamespace(ngroups=ngroups, **exposure)
    )


def test_likelihood_of_too_few_groups_is_least_squares(caplog):
    step = RampFitStep(algorithm="LIKELY")
    step.check(meta(ngroups=3), refs())
    with caplog.at_level(logging.INFO, logger="gpipe"):
        produced = step.apply(ramp(SAMPLES[:, :3], **TIMES), refs())
    np.testing.assert_allclose(produced.results[0].var_rnoise, 12 * 50 / (3**3 - 3) / 100 / 2, rtol=1e-5)
    assert "OLS_C" in caplog.text


def test_likelihood_finds_jumps_itself():
    hit = SAMPLES.copy()
    hit[0, 2:, 1, 1] += 1e4
    rate, rateints = applied(hit, algorithm="LIKELY", maximum_cores="half").results
    np.testing.assert_allclose(rate.data, 2, rtol=1e-5)
    assert rate.dq[1, 1] == rateints.dq[0, 1, 1] == 4
    assert np.count_nonzero(rate.dq) == np.count_nonzero(rateints.dq) == 1


def test_likelihood_within_the_limits_of_groups():
    bent = SAMPLES.copy()
    bent[:, 0] = -1000
    rate = applied(bent, algorithm="LIKELY", firstgroup=1).results[0]
    np.testing.assert_allclose(rate.data, 2, rtol=1e-5)
    assert (rate.dq == 0).all()


UNEVEN = [[10.0], [20.0], [50.0, 60.0], [100.0], [200.0]]
UNEVEN_SAMPLES = np.broadcast_to(2 * np.array([np.mean(t) for t in UNEVEN], np.float32)[:, None, None], SHAPE).copy()


@pytest.mark.parametrize("times", [UNEVEN, [np.array(t) for t in UNEVEN]])
def test_uneven_reads_are_fitted_by_likelihood_whatever_was_asked_for(times, caplog):
    with caplog.at_level(logging.WARNING, logger="gpipe"):
        produced = RampFitStep().apply(ramp(UNEVEN_SAMPLES, **TIMES, read_times=times), refs())
    np.testing.assert_allclose(produced.results[0].data, 2, rtol=1e-5)
    assert "LIKELY" in caplog.text


def test_uneven_reads_of_too_few_groups_are_fitted_by_least_squares():
    assert used_algorithm("OLS_C", ramp(SAMPLES[:, :3], **TIMES, read_times=UNEVEN[:3])) == "OLS_C"


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (UNEVEN[:4], r"reads of 4 groups.*each of 5"),
        ([*UNEVEN[:4], []], "one or more of each"),
        ([*UNEVEN[:4], [90.0]], "increasing"),
    ],
)
def test_read_times_that_cannot_be(times, says):
    with pytest.raises(InputError, match=says):
        RampFitStep().apply(ramp(SAMPLES, **TIMES, read_times=times), refs())


@pytest.mark.parametrize(("nframes", "used"), [(1, False), (4, True)])
def test_likelihood_uses_the_zeroframe_if_it_is_one_of_several_reads(nframes, used, caplog):
    zeroframe = np.full((2, *SHAPE[-2:]), 1e4, np.float32)  # so far off that a jump is found
    exposure = ramp(SAMPLES, zeroframe=zeroframe, **TIMES, nframes=nframes)
    with caplog.at_level(logging.WARNING, logger="gpipe"):
        rate = RampFitStep(algorithm="LIKELY").apply(exposure, refs()).results[0]
    assert ("ZEROFRAME" in caplog.text) is not used
    assert ((rate.dq & 4) != 0).all() == used


def miri(dead, **parameters):
    """Rates of ramps of which no pixel can use some groups, whose samples are far off."""
    data, groupdq = SAMPLES.copy(), np.zeros(SHAPE, np.uint8)
    data[:, list(dead)], groupdq[:, list(dead)] = -9000, 1
    return RampFitStep(**parameters).apply(ramp(data, groupdq=groupdq, instrument="MIRI", **TIMES), refs()).results


def test_of_miri_groups_at_the_ends_that_no_pixel_can_use_are_cut_off(caplog):
    with caplog.at_level(logging.INFO, logger="gpipe"):
        rate, rateints = miri((0, 4), suppress_one_group=False)
    assert "Groups 2 to 4 are fitted" in caplog.text
    np.testing.assert_allclose(rate.data, 2, rtol=1e-6)
    np.testing.assert_allclose(rate.var_rnoise, 12 * 50 / (3**3 - 3) / 100 / 2, rtol=1e-5)
    assert not rate.dq.any()
    assert not rateints.dq.any()


def test_of_miri_a_jump_in_the_first_group_that_is_left_says_nothing():
    data, groupdq = SAMPLES.copy(), np.zeros(SHAPE, np.uint8)
    groupdq[:, 0], groupdq[:, 1] = 1, 4
    exposures = [ramp(data, groupdq=groupdq, instrument=name, **TIMES) for name in ("MIRI", "NIRCAM")]
    of_miri, near_infrared = (RampFitStep().apply(x, refs()).results[0] for x in exposures)
    assert not of_miri.dq.any()
    assert (near_infrared.dq == 4).all()


@pytest.mark.parametrize("dead", [(0, 1, 2, 3, 4), (0, 1, 2, 4), (0, 1, 2, 3)], ids=str)
def test_of_miri_one_group_gives_no_rate(dead, caplog):
    for rate in miri(dead, suppress_one_group=False):
        assert np.isnan(rate.data).all()
        assert (rate.dq == 1).all()
    assert "fewer than 2 usable groups" in caplog.text


@pytest.fixture
def exposure():
    from stdatamodels.jwst.datamodels import RampModel

    model = RampModel(data=SAMPLES.copy())
    model.groupdq = np.zeros(SHAPE, np.uint8)
    model.groupdq[0, 2, 0, 0] = 4
    model.pixeldq = np.zeros(SHAPE[-2:], np.uint32)
    model.meta.filename = "jw1_nrca1_jump.fits"
    model.meta.instrument.name, model.meta.instrument.detector = "NIRCAM", "NRCA1"
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = 1, 1, 4, 3
    subarray.fastaxis, subarray.slowaxis = -1, 2
    settings = {"nints": 2, "nframes": 1, "groupgap": 0, "type": "NRC_IMAGE", "readpatt": "RAPID"} | TIMES
    for name, value in settings.items():
        setattr(model.meta.exposure, name, value)
    return open_exposure(model, gpipe.backends.get("numpy"))


def test_fitopt_product_has_as_many_planes_as_are_used(exposure):
    (product,) = RampFitStep(save_opt=True).apply(exposure, refs()).side_products
    assert (product.suffix, product.output_file) == ("fitopt", None)
    model = product.model
    assert type(model).__name__ == "RampFitOutputModel"
    assert model.slope.shape == model.weights.shape == model.yint.shape == (2, 2, 3, 4)
    assert model.crmag.shape == (2, 1, 3, 4)
    assert model.pedestal.shape == (2, 3, 4)
    np.testing.assert_allclose(model.slope[:, 0], 2, rtol=1e-6)
    np.testing.assert_allclose(model.crmag[0, 0, 0, 0], 20, rtol=1e-6)
    assert (model.meta.filename, model.meta.instrument.name) == ("jw1_nrca1_jump.fits", "NIRCAM")


def test_chi_square_product(exposure):
    (product,) = RampFitStep(save_opt=True, algorithm="LIKELY").apply(exposure, refs()).side_products
    assert (product.suffix, product.output_file) == ("likely_chisq", None)
    assert type(product.model).__name__ == "ImageModel"
    np.testing.assert_allclose(product.model.data, np.zeros(SHAPE[-2:]), atol=1e-6)
    assert (product.model.meta.filename, product.model.meta.instrument.name) == ("jw1_nrca1_jump.fits", "NIRCAM")


@pytest.mark.parametrize(("algorithm", "suffix"), [("OLS_C", "fitopt"), ("LIKELY", "likely_chisq")])
@pytest.mark.parametrize(
    ("opt_name", "file"), [("mine", "mine_{}"), ("there/mine.fits", "there/mine_{}.fits"), ("a_{}.fits", "a_{}.fits")]
)
def test_optional_products_under_another_name(exposure, opt_name, file, algorithm, suffix):
    step = RampFitStep(save_opt=True, opt_name=opt_name.format(suffix), algorithm=algorithm)
    (product,) = step.apply(exposure, refs()).side_products
    assert product.output_file == file.format(suffix)
