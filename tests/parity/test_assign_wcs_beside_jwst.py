"""assign_wcs against jwst's: WCS, footprint and approximation for images of four instruments, and a file."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from helpers.imaging_optics import (
    CAMERAS,
    FGS,
    MIRI,
    NIRCAM,
    NIRISS,
    make_rate,
    overrides,
    write_distortion,
    write_offsets,
)
from stdatamodels.jwst import datamodels

from gpipe import simulate
from gpipe.assign_wcs import AssignWcsStep

pytestmark = pytest.mark.parity

ROW = {"column_offset": 1.25, "row_offset": -0.5}
OFFSETS = {
    NIRCAM: [ROW | {"filter": "F444W", "pupil": "CLEAR"}, {"filter": "F356W", "pupil": "CLEAR"}],
    NIRISS: [ROW | {"filter": "CLEAR", "pupil": "F200W"}],
    MIRI: [ROW | {"filter": "F560W"}, ROW | {"filter": "F770W"}, {**ROW, "filter": "F770W", "row_offset": 9.0}],
    FGS: [],
}
OTHERS = {MIRI: [ROW | {"filter": "F560W"}]}
WINDOWS = {"full frame": None, "window": (321, 1, 96, 64), "window at the corner": (1, 1, 96, 64)}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A distortion without and one with a bounding box, and offsets, of each camera."""
    folder = tmp_path_factory.mktemp("optics")
    made = {}
    for one in CAMERAS:
        box = ((3.5, one.size[0] - 4.5), (-0.5, one.size[1] - 0.5))
        made[one] = {
            "plain": write_distortion(one, folder / f"{one.instrument}_plain.asdf"),
            "boxed": write_distortion(one, folder / f"{one.instrument}_boxed.asdf", box=box),
            "offsets": write_offsets(one, folder / f"{one.instrument}_offsets.asdf", OFFSETS[one]),
            "others": write_offsets(one, folder / f"{one.instrument}_others.asdf", OTHERS.get(one, [])),
        }
    return made


def both(rate, paths, **parameters):
    """The products of gpipe and of jwst."""
    peer = pytest.importorskip("jwst.assign_wcs").AssignWcsStep(**parameters)
    peer.get_reference_file = lambda _, reftype: str(paths.get(reftype, "N/A"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = peer.process(rate.copy())
    return AssignWcsStep.call(rate, configure_log=False, **overrides(**paths), **parameters), theirs


def assert_same_wcs(ours, theirs):
    (x0, x1), (y0, y1) = box = theirs.bounding_box.bounding_box(order="F")
    assert ours.bounding_box.bounding_box(order="F") == box
    x, y = np.meshgrid(np.linspace(x0, x1, 13), np.linspace(y0, y1, 11))
    for frame in ("v2v3", "v2v3vacorr", "world"):
        found, expected = (one.get_transform("detector", frame)(x, y) for one in (ours, theirs))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert np.isnan(ours(x1 + 3, y1 + 3)).all()
    assert ours.available_frames == theirs.available_frames
    names = [[step.transform.name for step in one.pipeline[:-1]] for one in (ours, theirs)]
    assert names[0][1:] == names[1][1:]


def assert_same_information(ours, theirs):
    """Footprint to 1e-8 deg, all else equal: values that come of fits, to rounding."""
    found, expected = ours.instance, theirs.instance
    assert list(found) == list(expected)
    polygons = [np.array(one["s_region"].split()[2:], float) for one in (found, expected)]
    np.testing.assert_allclose(*polygons, rtol=0, atol=1e-8)
    for key in expected.keys() - {"s_region"}:
        assert found[key] == (
            expected[key] if isinstance(expected[key], str) else pytest.approx(expected[key], rel=1e-6)
        )


@pytest.mark.parametrize("distortion", ["plain", "boxed"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("camera", CAMERAS, ids=lambda one: one.instrument)
def test_images(camera, window, distortion, files):
    if (window, distortion) == ("window at the corner", "boxed"):
        pytest.skip("jwst's box is that of the whole detector: docs/differences.md")
    offsets = "offsets" if camera is MIRI or window == "window" else "others"
    paths = {"distortion": files[camera][distortion], "filteroffset": files[camera][offsets]}
    ours, theirs = both(make_rate(camera, window=WINDOWS[window]), paths)
    assert_same_wcs(ours.meta.wcs, theirs.meta.wcs)
    assert_same_information(ours.meta.wcsinfo, theirs.meta.wcsinfo)


CASES = {
    "cube": {"nints": 2, "window": (321, 401, 96, 64)},
    "no aberration": {"window": (321, 401, 96, 64), "va": None},
    "across 0": {"ra_ref": 359.9999, "roll_ref": 271.0},
    "near the pole": {"dec_ref": 89.99},
    "no reference pixel": {"crpix1": None},
    "reference point at the origin": {"v2_ref": 0.0, "v3_ref": 0.0},
}
PARAMETERS = [
    {},
    {"sip_degree": 3, "sip_inv_degree": 4},
    {"sip_npoints": 20, "sip_max_pix_error": 0.05, "sip_max_inv_pix_error": 0.1},
    {"sip_approx": False},
]


@pytest.mark.parametrize(
    ("case", "parameters"), [*((case, {}) for case in CASES), *(("across 0", one) for one in PARAMETERS[1:])]
)
def test_pointings_and_options(case, parameters, files):
    given = dict(CASES[case])
    scale = given.pop("va", 0.99995)
    rate = make_rate(NIRCAM, **given)
    rate.meta.velocity_aberration.scale_factor = scale
    ours, theirs = both(rate, {"distortion": files[NIRCAM]["plain"]}, **parameters)
    assert_same_wcs(ours.meta.wcs, theirs.meta.wcs)
    assert_same_information(ours.meta.wcsinfo, theirs.meta.wcsinfo)


def test_darks(files):
    rate = make_rate(NIRCAM, window=WINDOWS["window"])
    rate.meta.exposure.type = "NRC_DARK"
    ours, theirs = both(rate, {"distortion": files[NIRCAM]["plain"]})
    assert ours.meta.cal_step.assign_wcs == theirs.meta.cal_step.assign_wcs == "SKIPPED"


def test_the_file(files, tmp_path, monkeypatch):
    """Of references that CRDS chooses: keywords, their order and their values, and the WCS in the file."""
    peer = pytest.importorskip("jwst.assign_wcs").AssignWcsStep
    monkeypatch.chdir(tmp_path)
    others = {"distortion": files[NIRCAM]["plain"], "filteroffset": files[NIRCAM]["offsets"]}
    rate = make_rate(NIRCAM, window=WINDOWS["window"])
    rate.save("a_rate.fits")
    config = simulate.ExposureConfig(detector="NRCALONG", readpatt="RAPID", ngroups=2, subarray="SUB64P")
    with simulate.write_cache([config], tmp_path / "cache", others=others, full_frame=False).activated():
        AssignWcsStep.call("a_rate.fits", output_file="ours", configure_log=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer.call("a_rate.fits", output_file="theirs", save_results=True, configure_log=False)
    with fits.open("ours_assign_wcs.fits") as found, fits.open("theirs_assignwcsstep.fits") as expected:
        assert [hdu.name for hdu in found] == [hdu.name for hdu in expected]
        for ours, theirs in zip(found, expected, strict=True):
            own = {"DATE", "FILENAME", "CAL_VER", "CAL_VCS", "CRDS_VER", "TFORM1", "NAXIS1", "SDP_VER"}
            assert [key for key in ours.header if key not in own] == [key for key in theirs.header if key not in own]
            for key in set(theirs.header) - own - {"", "COMMENT"}:
                wanted = theirs.header[key]
                assert ours.header[key] == (pytest.approx(wanted, rel=1e-6) if isinstance(wanted, float) else wanted), (
                    key
                )
    with datamodels.open("ours_assign_wcs.fits") as found, datamodels.open("theirs_assignwcsstep.fits") as expected:
        assert_same_wcs(found.meta.wcs, expected.meta.wcs)
