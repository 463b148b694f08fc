"""gain_scale against jwst's: SCI, ERR and variances equal, for one image and for one of each integration."""

import numpy as np
import pytest
from helpers.early_steps import CORNER, apply, place

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(("name", "shape"), [("ImageModel", (6, 7)), ("CubeModel", (3, 6, 7))])
@pytest.mark.parametrize("factor", [2, 1.37])
def test_rescaled_rates(name, shape, factor):
    gain_scale = pytest.importorskip("jwst.gain_scale.gain_scale")
    from stdatamodels.jwst import datamodels

    from gpipe.gain_scale import GainScaleStep

    rng = np.random.default_rng(7)
    model = getattr(datamodels, name)(data=rng.normal(10, 3, shape).astype(np.float32))
    place(model, CORNER, shape)
    for array in ("err", "var_poisson", "var_rnoise"):
        setattr(model, array, rng.uniform(0, 3, shape).astype(np.float32))
    model.dq = np.zeros(shape, np.uint32)
    model.data[..., 0, 0] = np.nan
    model.meta.exposure.gain_factor = factor
    ours = apply(GainScaleStep(), model, gain=None)
    theirs = gain_scale.do_correction(model.copy(), factor)
    for array in ("data", "err", "var_poisson", "var_rnoise"):
        np.testing.assert_array_equal(getattr(ours, array), getattr(theirs, array))
    assert ours.meta.exposure.gain_factor == theirs.meta.exposure.gain_factor
