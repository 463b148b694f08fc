"""Stripes hold the pixels of the detector lines that their keywords name."""

from dataclasses import replace

import numpy as np
import pytest
from simulated import DARKNESS, IDEAL, QUIET

from gpipe.datamodels import Window
from gpipe.exceptions import ParameterError
from gpipe.simulate import ExposureConfig, make_exposure
from gpipe.simulate.pixels import make_pixels

DARK = {"noise": QUIET, "pixels": IDEAL, "scene": DARKNESS, "ngroups": 1}
DHS = ExposureConfig(detector="NRCA1", readpatt="RAPID", subarray="SUB164STRIPE4_DHS", **DARK)
SOSS = ExposureConfig(detector="NIS", readpatt="NISRAPID", subarray="SUB204STRIPE_SOSS", nints=20, **DARK)


def bias_of(config, window):
    return make_pixels(config.sca, window, config.pixels).bias


def test_stripes_of_a_frame():
    model, truth = make_exposure(DHS)
    bias = bias_of(DHS, Window(1, 1, 2048, 2048))
    assert model.data.shape == (1, 1, 164, 2048)
    for row, line in ((0, 0), (1, 1527), (40, 1566), (41, 0), (42, 1652), (163, 1527 + 3 * 125 + 39)):
        np.testing.assert_allclose(model.data[0, 0, row], bias[line], atol=1)
    assert truth.rate.shape == (164, 2048)
    subarray = model.meta.subarray
    assert (subarray.multistripe_reads1, subarray.multistripe_skips1, subarray.num_superstripe) == (1, 1526, 0)


def test_each_integration_of_a_superstripe_sees_the_next_columns():
    model, truth = make_exposure(SOSS)
    bias = bias_of(SOSS, Window(1, 1793, 2048, 256))
    assert model.data.shape == (20, 1, 256, 208)
    for integration in (0, 3, 13):
        first = 2048 - 4 - 204 * (integration % 10 + 1)
        np.testing.assert_allclose(model.data[integration, 0, :, :204], bias[:, first : first + 204], atol=1)
        np.testing.assert_allclose(model.data[integration, 0, :, 204:], bias[:, 2044:], atol=1)
    assert truth.rate.shape == (256, 2048)


def test_integrations_must_be_whole_superstripes():
    with pytest.raises(ParameterError, match="nints=19: expected a multiple of the 10 superstripes"):
        make_exposure(replace(SOSS, nints=19))
