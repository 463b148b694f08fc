import logging
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.stub_exposures import StubReference, count_rate, references

from gpipe.controller import Skip
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.gain_scale import GainScaleStep

RATES = np.full((3, 4), 10, dtype=np.float32)


def gain(factor):
    return StubReference(meta=SimpleNamespace(exposure=SimpleNamespace(gain_factor=factor)))


@pytest.mark.parametrize(
    ("own", "reference", "used"), [(2, None, 2), (None, gain(3.0), 3), (2.0, gain(3.0), 2), (2.0, gain(None), 2)]
)
def test_the_exposures_own_factor_comes_first(own, reference, used):
    out = GainScaleStep().apply(count_rate(RATES, gain_factor=own), references(gain=reference))
    np.testing.assert_array_equal(out.data, RATES * used)
    np.testing.assert_allclose(out.var_poisson, used**2, rtol=1e-6)
    assert out.meta.exposure.gain_factor == used


@pytest.mark.parametrize("reference", [None, gain(None)])
def test_skips_without_a_factor(reference):
    with pytest.raises(Skip, match="GAINFACT") as skip:
        GainScaleStep().apply(count_rate(RATES), references(gain=reference))
    assert skip.value.level == logging.INFO


@pytest.mark.parametrize("factor", [0, -2.0, float("nan"), float("inf")])
def test_a_factor_that_is_not_positive_is_refused_before_work(factor):
    with pytest.raises(InputError, match=r"GainScaleStep: found GAINFACT .*, expected a positive number"):
        GainScaleStep().check(count_rate(RATES, gain_factor=factor).meta, references())
    with pytest.raises(ReferenceFileError, match=r"stub.fits: found GAINFACT .*, expected a positive number"):
        GainScaleStep().check(count_rate(RATES).meta, references(gain=gain(factor)))


@pytest.mark.parametrize("factor", [None, 2.0])
def test_a_positive_factor_and_none_are_fine(factor):
    GainScaleStep().check(count_rate(RATES, gain_factor=factor).meta, references(gain=gain(factor)))
