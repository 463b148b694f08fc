"""dq_init against jwst's: GROUPDQ and PIXELDQ equal, in windows of the mask, with and without the user's flags."""

import numpy as np
import pytest
from helpers.early_steps import COLUMNS, ROWS, apply, assert_same_ramp, ramp_model, ramps, reference_model, window

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("with_user_flags", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_flags(tmp_path, seed, with_user_flags):
    dq_initialization = pytest.importorskip("jwst.dq_init.dq_initialization")
    from astropy.io import fits

    from gpipe.dq_init import DQInitStep

    rng = np.random.default_rng(seed)
    corner, shape = window(rng)
    model = ramp_model(**ramps(rng, shape), corner=corner)
    mask = reference_model("MaskModel", dq=rng.integers(0, 2**32, (ROWS, COLUMNS), dtype=np.uint32))
    user, parameters = None, {}
    if with_user_flags:
        user = rng.integers(0, 2**20, shape, dtype=np.int32)
        fits.PrimaryHDU(user).writeto(tmp_path / "user.fits")
        parameters = {"user_supplied_dq": tmp_path / "user.fits"}
    ours = apply(DQInitStep(**parameters), model, mask=mask)
    theirs = dq_initialization.do_dqinit(model.copy(), mask.copy(), user_dq=user)
    assert_same_ramp(ours, theirs)
