"""flat_field against jwst's: all arrays equal, in windows of the reference, images and cubes."""

import numpy as np
import pytest
from helpers import imaging_files as files
from helpers.early_steps import apply

pytestmark = pytest.mark.parity

ARRAYS = ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat")


@pytest.mark.parametrize("instrument", files.INSTRUMENTS)
@pytest.mark.parametrize("shape", [(files.ROWS, files.COLUMNS), (10, 12), (3, 9, 11)], ids=str)
@pytest.mark.parametrize("inverse", [False, True])
def test_flat_field(instrument, shape, inverse):
    flat_field = pytest.importorskip("jwst.flatfield.flat_field")
    from gpipe.flatfield import FlatFieldStep

    inside = shape[-2:] != (files.ROWS, files.COLUMNS)
    model = files.rate(instrument, shape, corner=(104, 206) if inside else files.CORNER)
    ours = apply(FlatFieldStep(inverse=inverse), model, flat=files.flat(instrument))
    theirs, _ = flat_field.do_correction(model.copy(), flat=files.flat(instrument), inverse=inverse)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name, strict=True)


def test_rates_that_are_flat_fielded_twice():
    """VAR_FLAT is made anew, whatever the model has."""
    flat_field = pytest.importorskip("jwst.flatfield.flat_field")
    from gpipe.flatfield import FlatFieldStep

    model = files.rate()
    model.var_flat = np.ones_like(model.data)
    ours = apply(FlatFieldStep(), model, flat=files.flat())
    theirs, _ = flat_field.do_correction(model.copy(), flat=files.flat())
    np.testing.assert_array_equal(ours.var_flat, theirs.var_flat)
