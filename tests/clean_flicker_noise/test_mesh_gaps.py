import logging

import numpy as np

import gpipe.backends
from gpipe.clean_flicker_noise.mesh_gaps_host import fill_gaps, gap_filler


def test_gaps_take_the_mean_of_the_nearest_weighted_by_distance(rng):
    mesh = rng.normal(0, 1, (3, 4)).astype(np.float32)
    mesh[1, 1] = mesh[0, 3] = np.nan
    found = fill_gaps(mesh)
    known = np.argwhere(~np.isnan(mesh))
    for gap in np.argwhere(np.isnan(mesh)):
        distance = np.hypot(*(known - gap).T)  # ten are known: all count
        weight = 1 / distance
        expected = np.sum(weight * mesh[tuple(known.T)]) / weight.sum()
        np.testing.assert_allclose(found[tuple(gap)], expected, rtol=1e-5)
    np.testing.assert_array_equal(found[~np.isnan(mesh)], mesh[~np.isnan(mesh)])
    assert found.dtype == np.float32


def test_only_the_ten_nearest_count():
    mesh = np.zeros((1, 40), np.float32)
    mesh[0, 20], mesh[0, :14], mesh[0, 27:] = np.nan, 1e6, 1e6
    assert fill_gaps(mesh)[0, 20] == 0


def test_fewer_than_ten():
    assert fill_gaps(np.float32([[np.nan, 3.0]]))[0, 0] == 3


def test_nothing_to_do_and_nothing_to_do_it_with():
    full, empty = np.ones((2, 2), np.float32), np.full((2, 2), np.nan, np.float32)
    assert fill_gaps(full) is full
    assert fill_gaps(empty) is empty


def test_other_backends_say_that_the_host_works(caplog):
    caplog.set_level(logging.INFO)
    backend = gpipe.backends.get("numpy")
    gap_filler(backend)
    assert not caplog.messages

    class Elsewhere:
        name = "elsewhere"
        to_host = to_device = staticmethod(np.asarray)

    found = gap_filler(Elsewhere())(np.float32([[np.nan, 1]]))
    assert found[0, 0] == 1
    assert caplog.messages == ["Background models: gaps in the mesh of medians are filled on the host"]
