from dataclasses import replace

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import RampModel, SuperstripeRampModel

import gpipe.backends
from gpipe.controller import Step
from gpipe.datamodels import Rate, Superstripes, open_exposure, read_header, to_model
from gpipe.exceptions import InputError
from gpipe.simulate import ExposureConfig, Scene, make_exposure

CONFIG = ExposureConfig(
    detector="NIS", readpatt="NISRAPID", subarray="SUB204STRIPE_SOSS", ngroups=1, nints=20, scene=Scene(density=0)
)


@pytest.fixture(scope="module")
def uncal():
    return make_exposure(CONFIG)[0]


@pytest.fixture
def exposure(uncal):
    return open_exposure(uncal, gpipe.backends.get("numpy"))


def test_an_exposure_of_superstripes_is_a_kind_of_its_own(uncal, exposure, tmp_path):
    assert read_header(uncal).kind is Superstripes
    uncal.save(tmp_path / "stripes_uncal.fits")
    again = open_exposure(tmp_path / "stripes_uncal.fits", gpipe.backends.get("numpy"))
    for found in (exposure, again):
        assert found.data.shape == (20, 1, 256, 208)
        assert found.pixeldq.shape == (10, 256, 208)
        assert type(found.header) is SuperstripeRampModel


def test_steps_see_each_stripe_and_its_part_of_the_detector(exposure):
    seen = []

    def flag(stripe):
        seen.append((stripe.stripe, stripe.data.shape[0], stripe.window.xstart))
        return replace(stripe, data=stripe.data + stripe.stripe, pixeldq=stripe.pixeldq + stripe.stripe)

    out = exposure.map(flag)
    # Stripes are read from high columns to low ones; each window reaches to the reference pixels at the right.
    assert seen == [(n, 2, 2048 - 4 - 204 * (n + 1) + 1) for n in range(10)]
    number = np.arange(20) % 10
    np.testing.assert_array_equal(out.data, exposure.data + number[:, None, None, None])
    np.testing.assert_array_equal(out.pixeldq[:, 0, 0], np.arange(10))


def test_it_becomes_the_model_of_jwst(exposure):
    model = to_model(exposure)
    assert type(model) is SuperstripeRampModel
    assert model.pixeldq.shape == (10, 256, 208)


@pytest.mark.parametrize("is_set", [False, True])
def test_flags_of_a_ramp_model_of_one_stripe_count_where_one_is_set(is_set, uncal):
    ramp = RampModel(data=uncal.data.astype(np.float32))
    ramp.update(uncal)
    assert ramp.pixeldq.shape == (256, 208)
    ramp.pixeldq[5, 5] = is_set
    if not is_set:
        assert open_exposure(ramp, gpipe.backends.get("numpy")).pixeldq.shape == (10, 256, 208)
        return
    with pytest.raises(InputError, match=r"found pixeldq of shape \(256, 208\); expected \(10, 256, 208\)"):
        read_header(ramp)


def test_integrations_that_are_no_multiple_of_the_superstripes(uncal):
    wrong = uncal.copy()
    wrong.data = wrong.data[:19]
    wrong.meta.exposure.nints = wrong.meta.exposure.integration_end = 19
    with pytest.raises(InputError, match="a multiple of the 10 superstripes"):
        read_header(wrong)


def test_keywords_that_describe_no_stripes(uncal):
    wrong = uncal.copy()
    wrong.meta.subarray.multistripe_reads2 = 200
    with pytest.raises(InputError, match=r"expected keywords MSTR_\* and SSTR_\*"):
        read_header(wrong)


class DoubleStep(Step):
    """Twice the counts, and how many ramps it saw."""

    alias = "dq_init"

    def apply(self, exposure, references):
        assert isinstance(exposure, self.accepts)
        return type(exposure)(**{**vars(exposure), "data": 2 * exposure.data})


class WholeStep(DoubleStep):
    """The same, of all stripes at once."""

    accepts = Superstripes


@pytest.mark.parametrize("step", [DoubleStep, WholeStep])
def test_the_controller_takes_stripes_apart_for_a_step(uncal, step):
    out = step.call(uncal, configure_log=False)
    np.testing.assert_array_equal(out.data, 2.0 * uncal.data)
    assert out.meta.cal_step.dq_init == "COMPLETE"


def test_a_step_for_rates_refuses_superstripes(uncal):
    class OfRates(DoubleStep):
        """For count rates only."""

        accepts = Rate

    with pytest.raises(InputError, match=r"found a ramp of superstripes.*expected a count-rate"):
        OfRates.call(uncal, configure_log=False)


def test_a_step_that_makes_another_kind_of_the_pieces_is_skipped(uncal):
    class Fit(DoubleStep):
        """Rates of ramps, which do not go back into stripes."""

        makes = Rate

    out = Fit.call(uncal, configure_log=False)
    np.testing.assert_array_equal(out.data, uncal.data)
    assert out.meta.cal_step.dq_init == "SKIPPED"
