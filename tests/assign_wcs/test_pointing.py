"""From V2, V3 to the sky, against matrices written out here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe.assign_wcs.pointing import Pointing, aberration_correction, v2v3_to_sky


def rotation(axis, degrees):
    """A rotation of the frame by an angle around an axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = {"x": [[1, 0, 0], [0, c, s], [0, -s, c]], "y": [[c, 0, -s], [0, 1, 0], [s, 0, c]]}
    return np.array(turned.get(axis, [[c, s, 0], [-s, c, 0], [0, 0, 1]]))


def sky_of(v2, v3, p):
    lon, lat = np.radians([v2 / 3600, v3 / 3600])
    seen = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    turns = zip("zyxyz", (p.v2_ref / 3600, -p.v3_ref / 3600, p.roll_ref, p.dec_ref, -p.ra_ref), strict=True)
    for axis, angle in turns:
        seen = rotation(axis, angle) @ seen
    return np.degrees(np.arctan2(seen[1], seen[0])) % 360, np.degrees(np.arcsin(seen[2]))


@given(
    ra=st.floats(0, 359.9),
    dec=st.floats(-89, 89),
    roll=st.floats(0, 360),
    place=st.tuples(st.floats(-700, 700), st.floats(-700, 700)),
    seen=st.tuples(st.floats(-900, 900), st.floats(-900, 900)),
)
def test_the_rotation(ra, dec, roll, place, seen):
    pointing = Pointing(*place, ra, dec, roll)
    found, expected = v2v3_to_sky(pointing)(*seen), sky_of(*seen, pointing)
    assert abs((found[0] - expected[0] + 180) % 360 - 180) * np.cos(np.radians(dec)) < 1e-9
    assert found[1] == pytest.approx(expected[1], abs=1e-9)
    np.testing.assert_allclose(v2v3_to_sky(pointing).inverse(*found), seen, atol=1e-6)


def test_the_reference_point_is_at_its_place_and_v3_at_the_roll_angle():
    pointing = Pointing(100.0, -400.0, 359.99, 30.0, 25.0)
    to_sky = v2v3_to_sky(pointing)
    assert to_sky.name == "v23tosky"
    np.testing.assert_allclose(to_sky(100.0, -400.0), (359.99, 30.0), atol=1e-10)
    ra, dec = to_sky(100.0, -399.0)  # an arcsecond along V3
    east = (ra - 359.99) * np.cos(np.radians(30)) * 3600
    assert np.degrees(np.arctan2(east, (dec - 30) * 3600)) == pytest.approx(25, abs=1e-3)


@pytest.mark.parametrize("scale", [None, 1, 1.0])
def test_no_aberration_is_the_identity(scale):
    assert aberration_correction(Pointing(1.0, 2.0, 0.0, 0.0, 0.0, scale))(5.0, 6.0) == (5, 6)


def test_aberration_is_a_scale_around_the_reference_point():
    model = aberration_correction(Pointing(100.0, -400.0, 0.0, 0.0, 0.0, 1.001))
    assert model.name == "DVA_Correction"
    np.testing.assert_allclose(model(100.0, -400.0), (100, -400))
    np.testing.assert_allclose(model(110.0, -420.0), (100 + 10.01, -400 - 20.02))
    np.testing.assert_allclose(aberration_correction(Pointing(0.0, 0.0, 0.0, 0.0, 0.0, 2.0))(3.0, 4.0), (6, 8))
