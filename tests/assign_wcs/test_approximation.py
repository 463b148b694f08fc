"""The approximation by FITS keywords, evaluated by astropy, and the footprint."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from helpers.imaging_optics import NIRCAM, distortion
from scipy.linalg import LinAlgWarning

from gpipe.assign_wcs.footprint import corners_of, s_region
from gpipe.assign_wcs.imaging import box_of, imaging_wcs
from gpipe.assign_wcs.pointing import Pointing
from gpipe.assign_wcs.sip import SipSettings, sip_keywords, with_sip

POINTING = Pointing(NIRCAM.v2, NIRCAM.v3, 359.999, 12.0, 40.0, 1.0001)
SHAPE = (2048, 2048)


@pytest.fixture(scope="module")
def wcs():
    return imaging_wcs(distortion(NIRCAM), POINTING, SHAPE)


@pytest.mark.parametrize(("settings", "allowed"), [(SipSettings(), 0.01), (SipSettings(max_error=0.2), 0.2)])
def test_it_is_as_good_as_was_asked_for(wcs, settings, allowed):
    header = fits.Header({key.upper(): value for key, value in sip_keywords(wcs, (1024.5, 1024.5), settings).items()})
    x, y = (np.ravel(one) for one in np.meshgrid(np.linspace(0, 2047, 9), np.linspace(0, 2047, 9)))
    found, exact = WCS(header).all_pix2world(x, y, 0), wcs(x, y)
    error = np.hypot((found[0] - exact[0] + 180) % 360 - 180, found[1] - exact[1]) * 3600 / NIRCAM.scale
    assert error.max() < allowed
    assert (header["CRPIX1"], header["CTYPE1"]) == (1024.5, "RA---TAN-SIP")


def test_degrees_are_those_that_were_asked_for(wcs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is not good enough, whose degree was chosen
        keywords = sip_keywords(wcs, None, SipSettings(degree=2, inverse_degree=3))
    assert (keywords["a_order"], keywords["bp_order"]) == (2, 3)
    with pytest.warns(LinAlgWarning, match="Failed to achieve requested SIP approximation accuracy"):
        assert sip_keywords(wcs, None, SipSettings(max_error=1e-9))["a_order"] == 5


def test_an_older_approximation_and_the_linear_wcs_go():
    old = {"ra_ref": 3.0, "cdelt1": 1, "pc2_1": 2, "a_order": 4, "bp_order": 2, "a_0_2": 1, "bp_1_1": 3, "crpix1": 7}
    assert with_sip(old, {"crpix1": 8, "a_order": 2, "cd1_1": 1}) == {
        "ra_ref": 3,
        "crpix1": 8,
        "a_order": 2,
        "cd1_1": 1,
    }


def test_the_footprint(wcs):
    corners = corners_of(wcs)
    ends = -0.5, 2047.5
    expected = [
        wcs(x, y, with_bounding_box=False) for x, y in [(ends[i], ends[j]) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))]
    ]
    np.testing.assert_allclose(corners, expected, atol=1e-12)
    assert corners[:, 0].min() < 1 < 359 < corners[:, 0].max()  # across 0
    numbers = " ".join(f"{value:.9f}" for value in corners.ravel())
    assert s_region(corners) == f"POLYGON ICRS  {numbers}"
    assert s_region(np.where(np.arange(8).reshape(4, 2) == 3, np.nan, corners)) is None


def test_the_inverse_is_that_of_the_reference(wcs):
    x, y = np.meshgrid(np.linspace(10, 2000, 5), np.linspace(10, 2000, 5))
    np.testing.assert_allclose(wcs.invert(*wcs(x, y)), (x, y), atol=0.1)


def test_the_distortion_is_shared_and_keeps_its_own_box():
    model = distortion(NIRCAM, box=((0, 2000), (10, 2047.5)))
    whole = imaging_wcs(model, POINTING, SHAPE)
    small = imaging_wcs(model, POINTING, (32, 64))
    window = imaging_wcs(model, POINTING, (32, 64), corner=(101, 1), offset=(2.0, -1.0))
    assert box_of(model) == ((0, 2000), (10, 2047.5))
    boxes = [wcs.bounding_box.bounding_box(order="F") for wcs in (whole, small, window)]
    assert boxes == [((0, 2000), (10, 2047.5)), ((0, 63.5), (10, 31.5)), ((-0.5, 63.5), (-0.5, 31.5))]
    np.testing.assert_allclose(window(3, 4), whole(3 + 100 + 2, 4 - 1, with_bounding_box=False), atol=1e-13)
    assert np.isnan(whole(2010, 50)).all()
    assert window.available_frames == ["detector", "v2v3", "v2v3vacorr", "world"]
    assert box_of(distortion(NIRCAM)) is None
