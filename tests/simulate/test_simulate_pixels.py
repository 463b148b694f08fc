import numpy as np
import pytest

from gpipe import dq
from gpipe.datamodels.exposures.window import Window
from gpipe.simulate import DetectorEffects
from gpipe.simulate.detectors import DETECTORS
from gpipe.simulate.pixels import make_pixels, reference_pixels
from gpipe.simulate.readout import FULL

MAPS = ("gain", "bias", "dark", "sensitivity", "well", "coefficients", "saturation", "dq", "reference")


@pytest.mark.parametrize("name", ["NRCALONG", "NIS"])
def test_a_window_has_the_pixels_of_that_part_of_the_detector(name):
    outer, inner = Window(1, 60, 400, 90), Window(31, 65, 70, 80)
    large, little = (make_pixels(DETECTORS[name], area, DetectorEffects()) for area in (outer, inner))
    rows, columns = inner.slices_in(outer)
    for field in MAPS:
        np.testing.assert_array_equal(getattr(little, field), getattr(large, field)[..., rows, columns], err_msg=field)
    for reftype, gaps in little.gaps.items():
        np.testing.assert_array_equal(gaps, large.gaps[reftype][rows, columns])


def test_the_frame_of_reference_pixels_is_four_wide():
    frame = reference_pixels(DETECTORS["NRCB1"], FULL)
    assert not frame[4:-4, 4:-4].any()
    assert frame.sum() == 2048**2 - 2040**2


def test_reference_pixels_are_blind_dark_and_straight():
    pixels = make_pixels(DETECTORS["NRCB1"], Window(1, 1, 128, 64), DetectorEffects())
    where = pixels.reference
    assert where.any()
    assert not pixels.sensitivity[where].any()
    assert not pixels.dark[where].any()
    assert not pixels.coefficients[2:, where].any()
    assert (pixels.dq[where] == dq.REFERENCE_PIXEL).all()


def test_hot_and_dead_pixels_are_as_many_as_asked_for_and_flagged():
    effects = DetectorEffects(hot_fraction=0.02, dead_fraction=0.01, gap_fraction=0.005)
    pixels = make_pixels(DETECTORS["NRCB1"], Window(101, 101, 512, 256), effects)
    hot, dead = pixels.dq & dq.HOT > 0, pixels.dq & dq.DEAD > 0
    assert hot.mean() == pytest.approx(0.02, abs=0.002)
    assert dead.mean() == pytest.approx(0.01, abs=0.0015)
    assert not pixels.sensitivity[dead].any()
    assert (pixels.dq[dead] & dq.DO_NOT_USE > 0).all()
    assert pixels.dark[hot].min() > 0.25 > np.median(pixels.dark)
    assert all(gaps.mean() == pytest.approx(0.005, abs=0.001) for gaps in pixels.gaps.values())


def test_saturation_comes_before_the_well_is_full_and_the_converter_ends():
    pixels = make_pixels(DETECTORS["NIS"], Window(101, 101, 64, 64), DetectorEffects())
    assert (pixels.saturation < 65_535).all()
    assert (pixels.saturation > pixels.bias + 0.85 * pixels.well / pixels.gain).all()


def test_another_seed_is_another_detector():
    area = Window(101, 101, 64, 64)
    one, other = (make_pixels(DETECTORS["NIS"], area, DetectorEffects(seed=seed)) for seed in (0, 1))
    assert (one.bias != other.bias).mean() > 0.99
    assert abs(np.corrcoef(one.bias.ravel(), other.bias.ravel())[0, 1] - 1) > 0.01
