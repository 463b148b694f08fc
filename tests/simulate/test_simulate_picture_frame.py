from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, IDEAL, QUIET, small
from stdatamodels.jwst import datamodels

from gpipe.exceptions import ParameterError
from gpipe.simulate import ExposureConfig, make_exposure, write_cache
from gpipe.simulate.picture_frame import pattern
from gpipe.simulate.readout import FULL

WARM = ExposureConfig(
    detector="NRS1",
    readpatt="NRSRAPID",
    subarray="ALLSLITS",
    ngroups=3,
    nints=2,
    noise=replace(QUIET, picture_frame=20.0),
    pixels=IDEAL,
    scene=DARKNESS,
)


def test_the_frame_is_at_the_edges_of_the_detector():
    whole = pattern(FULL)
    middle, edge = whole[500:1500, 500:1500], whole[4:40]
    assert np.median(edge) > 0.5
    assert middle.max() < 0.01
    np.testing.assert_array_equal(pattern(WARM.window), whole[WARM.window.slices_in(FULL)])


def test_it_grows_with_time_at_another_speed_in_each_integration():
    cold = replace(WARM, noise=QUIET)
    (with_frame, _), (without, _) = make_exposure(WARM), make_exposure(cold)
    growth = np.median(with_frame.data.astype(float)[..., :8] - without.data[..., :8], axis=(2, 3))
    strength = 20 * np.median(pattern(WARM.window)[:, :8])
    seconds = WARM.frame_time * np.arange(1, 4)
    speeds = growth[:, -1] / seconds[-1] / strength
    np.testing.assert_allclose(growth, strength * speeds[:, np.newaxis] * seconds, atol=1)
    assert speeds[0] != pytest.approx(speeds[1], rel=0.01)
    np.testing.assert_allclose(speeds, 1, atol=0.7)


def test_only_nirspec_has_one():
    with pytest.raises(ParameterError, match="only NIRSpec has one"):
        small(noise=replace(QUIET, picture_frame=1.0))


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_the_reference_is_there_when_an_exposure_has_one(tmp_path, strength):
    config = replace(WARM, noise=replace(QUIET, picture_frame=strength))
    path = write_cache([config], tmp_path, full_frame=False).reference("NIRSPEC", "pictureframe")
    assert path.exists() == bool(strength)
    if strength:
        with datamodels.PictureFrameModel(path) as model:
            np.testing.assert_array_equal(model.data, pattern(FULL))
