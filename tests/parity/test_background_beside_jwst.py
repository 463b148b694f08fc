"""bkg_subtract against jwst's on images: SCI to rounding, ERR and DQ equal, the combined background too."""

import numpy as np
import pytest
from helpers.rates import rate_model

from gpipe.background import BackgroundStep

pytestmark = pytest.mark.parity
CUBES = {"rtol": 1e-5, "atol": 2e-5}
"""jwst adds integrations in float32."""


@pytest.mark.parametrize(
    ("shape", "corner", "backgrounds", "options"),
    [
        *(((20, 30), (1, 1), [((20, 30), (1, 1))] * number, (3.0, None)) for number in (1, 4, 9, 20)),
        ((20, 30), (1, 1), [((20, 30), (1, 1))] * 20, (1.5, 1)),
        ((20, 30), (5, 7), [((64, 64), (1, 1))] * 3, (3.0, None)),
        ((20, 30), (5, 7), [((64, 64), (100, 1)), ((15, 64), (1, 1))], (3.0, None)),
        ((3, 20, 30), (3, 3), [((40, 64, 64), (1, 1))], (3.0, None)),
        ((3, 20, 30), (1, 1), [((12, 20, 30), (1, 1))] * 3, (2.0, None)),
    ],
)
def test_subtraction(tmp_path, monkeypatch, shape, corner, backgrounds, options):
    background_sub = pytest.importorskip("jwst.background.background_sub").background_sub
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "1")
    target = rate_model(shape, corner=corner, name="x_rate.fits")
    models = [rate_model(size, corner=place, seed=seed) for seed, (size, place) in enumerate(backgrounds, 1)]
    combined, theirs = background_sub(target.copy(), [model.copy() for model in models], *options)
    settings = {"sigma": options[0], "maxiters": options[1], "save_combined_background": True}
    ours = BackgroundStep.call(target, models, **settings)
    tolerance = CUBES if len(shape) == 3 else {"rtol": 0, "atol": 0}
    np.testing.assert_allclose(ours.data, theirs.data, **tolerance)
    np.testing.assert_array_equal(ours.err, theirs.err)
    np.testing.assert_array_equal(ours.dq, theirs.dq)
    from stdatamodels.jwst import datamodels

    with datamodels.open("x_combinedbackground.fits") as saved:
        np.testing.assert_allclose(saved.data, combined.data, **tolerance)
        known = np.isfinite(combined.err) & (combined.err > 0)
        np.testing.assert_allclose(saved.err[known], combined.err[known], rtol=1e-5)
        np.testing.assert_array_equal(saved.dq, combined.dq)
