import numpy as np
import pytest

from gpipe.datamodels.exposures.window import Window
from gpipe.simulate.cosmic_rays import make_hits
from gpipe.simulate.detectors import PIXEL_AREA

AREA = Window(1, 1, 400, 300)


def test_particles_arrive_at_the_rate_asked_for(rng):
    seconds, rate = 500.0, 5.0
    expected = rate * seconds * PIXEL_AREA * 400 * 300
    hits = make_hits(AREA, seconds, rate, rng)
    assert len(np.unique(hits.particles)) == pytest.approx(expected, abs=4 * expected**0.5)


def test_hits_lie_in_the_window_once_a_pixel_and_particle(rng):
    hits = make_hits(AREA, 300.0, 5.0, rng)
    assert hits.rows.min() >= 0
    assert hits.rows.max() < 300
    assert hits.columns.min() >= 0
    assert hits.columns.max() < 400
    keys = set(zip(hits.particles, hits.rows, hits.columns, strict=True))
    assert len(keys) == len(hits.rows)


def test_a_track_is_a_chain_of_neighbours(rng):
    hits = make_hits(AREA, 300.0, 5.0, rng)
    sizes = np.unique(hits.particles, return_counts=True)[1]
    assert 1 < sizes.mean() < 4
    for particle in np.unique(hits.particles)[:200]:
        rows, columns = hits.rows[hits.particles == particle], hits.columns[hits.particles == particle]
        apart = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns))
        assert all((line <= 1).sum() > 1 for line in apart) or len(rows) == 1


def test_charge_is_positive_and_spread_over_more_than_a_decade(rng):
    hits = make_hits(AREA, 1000.0, 5.0, rng)
    per_particle = np.bincount(hits.particles, weights=hits.electrons)
    low, median, high = np.percentile(per_particle[per_particle > 0], [5, 50, 95])
    assert hits.electrons.min() > 0
    assert 500 < median < 2500
    assert high > 10 * low


def test_no_rate_no_hits(rng):
    assert len(make_hits(AREA, 1000.0, 0.0, rng).rows) == 0
