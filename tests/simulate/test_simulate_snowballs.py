import numpy as np
import pytest

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate import ExposureConfig, NoiseEffects, make_exposure
from gpipe.simulate.detectors import PIXEL_AREA
from gpipe.simulate.snowballs import collect, make_snowballs

AREA = Window(1, 1, 400, 300)


def test_events_arrive_at_the_rate_asked_for(rng):
    expected = 0.2 * 1000 * PIXEL_AREA * 400 * 300
    found = make_snowballs(AREA, 1000.0, 0.2, rng)
    assert len(np.unique(found.particles)) == pytest.approx(expected, abs=4 * expected**0.5)


def test_a_cloud_is_round_and_brightest_in_the_middle(rng):
    found = make_snowballs(AREA, 1000.0, 0.05, rng)
    for n in np.unique(found.particles):
        rows, columns, charge = (x[found.particles == n] for x in (found.rows, found.columns, found.electrons))
        peak = np.argmax(charge)
        distance = np.hypot(rows - rows[peak], columns - columns[peak])
        assert np.all(charge[distance > 10] < charge[peak] / 5)
        assert np.corrcoef(distance, np.log(charge))[0, 1] < -0.95


def test_nothing_falls_outside_the_window(rng):
    found = make_snowballs(AREA, 1000.0, 0.2, rng)
    assert 0 <= found.rows.min() <= found.rows.max() < 300
    assert 0 <= found.columns.min() <= found.columns.max() < 400


def test_none_arrive_in_no_time(rng):
    assert make_snowballs(AREA, 0.0, 1.0, rng).rows.size == 0


def test_particles_of_several_kinds_stay_apart(rng):
    one, two = make_snowballs(AREA, 500.0, 0.1, rng), make_snowballs(AREA, 500.0, 0.1, rng)
    together = collect([one, two])
    count = len(np.unique(one.particles)) + len(np.unique(two.particles))
    assert len(np.unique(together.particles)) == count
    assert together.electrons.sum() == pytest.approx(one.electrons.sum() + two.electrons.sum())


def test_they_saturate_pixels_and_are_part_of_the_truth():
    noise = NoiseEffects(cosmic_rays=0.0, snowballs=2.0)
    config = ExposureConfig(detector="NRCALONG", readpatt="RAPID", subarray="SUB160", ngroups=20, noise=noise)
    _, truth = make_exposure(config)
    largest = truth.cosmic_rays[np.argmax(truth.cosmic_rays["electrons"])]
    assert truth.saturated_from[largest["integration"], largest["row"], largest["column"]] <= largest["group"]
