import numpy as np
import pytest

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate import Scene

AREA = Window(101, 201, 300, 200)


def test_the_background_is_uniform():
    image = Scene(background=3.0, density=0).rate(AREA)
    assert image.shape == (200, 300)
    assert image.dtype == np.float32
    assert (image == 3.0).all()


def test_sources_have_fluxes_between_the_faintest_and_the_brightest():
    scene = Scene(background=0, density=1 / (200 * 300), faintest=1000.0, brightest=1000.01)
    fluxes = [Scene(**scene.__dict__ | {"seed": seed}).rate(AREA).sum() for seed in range(12)]
    assert np.median(fluxes) == pytest.approx(950, rel=0.05)


def test_the_same_seed_is_the_same_sky():
    np.testing.assert_array_equal(Scene(seed=4).rate(AREA), Scene(seed=4).rate(AREA))
    assert (Scene(seed=4).rate(AREA) != Scene(seed=5).rate(AREA)).any()


def test_a_spectrum_lies_on_the_middle_row_and_fades_at_both_ends():
    image = Scene(background=0, density=0, spectrum=50.0).rate(Window(1, 1, 512, 33))
    assert image.max() == pytest.approx(50, rel=0.01)
    assert image.max(axis=0).argmax() in (255, 256)
    assert (image.argmax(axis=0)[50:-50] == 16).all()
    assert image[:, :4].max() < 0.05
    assert image[:, -4:].max() < 0.05


def test_the_smallest_window_has_a_star_of_its_own():
    """Fewer than half a star is expected, and one is drawn."""
    area = Window(1399, 975, 32, 32)
    image = Scene(background=0, density=4e-4).rate(area)
    assert image.max() > 0
    assert Scene(background=0, density=0).rate(area).max() == 0
