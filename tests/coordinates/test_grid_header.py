"""Keywords of a grid, its outline, and grids that a user brings."""

import asdf
import gwcs
import numpy as np
import pytest
from astropy.modeling.models import Mapping, Pix2Sky_SIN, Polynomial2D, RotateNative2Celestial, Scale, Shift
from astropy.wcs import WCS
from helpers.wcs import NIRCAM, imaging_wcs

from gpipe.coordinates import grid_header
from gpipe.coordinates.output_grid import FirstExposure, GridOptions, Outline, output_grid
from gpipe.coordinates.output_wcs import read_grid
from gpipe.coordinates.regions import union
from gpipe.exceptions import ParameterError

SHAPE = (80, 100)


@pytest.fixture(scope="module")
def exposure():
    wcs, info = imaging_wcs(NIRCAM, shape=SHAPE)
    return FirstExposure("jw1_cal.fits", wcs, SHAPE, info, pixel_area=1e-14)


@pytest.fixture(scope="module")
def outline(exposure):
    return Outline.read(exposure.name, exposure.wcsinfo["s_region"])


@pytest.fixture
def grid(exposure, outline):
    return output_grid([outline], exposure, GridOptions())


def test_the_header_gives_the_same_coordinates_as_the_wcs(grid):
    values = grid_header.keywords(grid)
    linear = WCS({key.upper(): value for key, value in values.items()})
    np.testing.assert_allclose(linear.all_pix2world(30, 50, 0), grid.wcs(30, 50), rtol=0, atol=1e-12)
    assert values["ctype1"], values["radesys"] == ("RA---TAN", "ICRS")


def test_distortions_and_the_pointing_go(grid, exposure, outline):
    old = {"cd1_1": 1.0, "a_order": 3, "bp_2_1": 1.0, "a_0_2": 1.0, "v3_ref": 1.0, "ra_ref": 2.0, "vparity": -1}
    new = grid_header.wcsinfo(old | {"wcsaxes": 2, "v3yangle": 3.0}, grid, [outline])
    assert not new.keys() & {*old, "v3yangle"}
    assert new["wcsaxes"] == 2
    assert new["s_region"].startswith("POLYGON ICRS  ")


def test_the_outline_of_one_exposure_is_its_own_within_the_grid(grid, outline):
    (found,) = Outline.read("i2d", grid_header.s_region(grid, [outline])).polygons
    there, here = (np.stack(grid.wcs.invert(*p.T, with_bounding_box=False)) for p in (found, outline.vertices))
    np.testing.assert_allclose(there.min(1), here.min(1), atol=1e-3)
    np.testing.assert_allclose(there.max(1), here.max(1), atol=1)


def test_no_exposure_in_the_grid_is_warned_of(exposure, outline, caplog):
    grid = output_grid([outline], exposure, GridOptions())
    assert grid_header.s_region(grid, [Outline("far", [outline.vertices + 0.1])]) is None
    assert "no exposure lies within the output grid" in caplog.text


SQUARE = np.array([(0, 0), (0, 10), (10, 10), (10, 0.0)])


def at(x, y):
    return SQUARE + np.array([x, y])


@pytest.mark.parametrize(
    ("outlines", "vertices"),
    [
        ([SQUARE], [4]),
        ([SQUARE, at(10, 0)], [4]),
        ([SQUARE, at(5, 5)], [8]),
        ([SQUARE, at(20, 0)], [4, 4]),
        ([SQUARE, SQUARE + 0.01], [4]),
        ([SQUARE - 50], []),
    ],
)
def test_unions_have_no_needless_vertices(outlines, vertices):
    frame = np.array([(-1, -1), (-1, 40), (40, 40), (40, -1.0)])
    assert sorted(len(part) for part in union(outlines, frame)) == vertices


def test_a_union_that_the_grid_cuts_in_two_keeps_both_parts():
    bridge = [SQUARE, at(0, 20), np.array([(-5, 0), (-5, 30), (-2, 30), (-2, 0)]), *_joints()]
    assert len(union(bridge, np.array([(-1, -1), (-1, 40), (40, 40), (40, -1.0)]))) == 2


def _joints():
    return [np.array([(-3, y), (-3, y + 2), (1, y + 2), (1, y)]) for y in (2, 22)]


def written(path, wcs, **keys):
    asdf.AsdfFile({"wcs": wcs, **keys}).write_to(path)
    return path


def test_a_grid_that_was_written_is_read_back(grid, exposure, tmp_path):
    path = written(tmp_path / "grid.asdf", grid.wcs, pixel_scale=0.02)
    found = read_grid(path, exposure)
    assert found.shape == grid.shape
    assert found.pixel_scale == 0.02
    assert found.pixel_scale_ratio == pytest.approx(0.02 / 3600 / np.rad2deg(1e-7))
    assert found.wcs(30, 50) == grid.wcs(30, 50)


def test_the_scale_of_a_file_is_that_of_its_area_or_of_its_pixels(grid, exposure, tmp_path):
    assert read_grid(written(tmp_path / "a.asdf", grid.wcs, pixel_area=0.0004), exposure).pixel_scale == 0.02
    plain = read_grid(written(tmp_path / "b.asdf", grid.wcs), exposure)
    assert plain.pixel_scale == pytest.approx(grid.pixel_scale, rel=1e-6)


def test_the_shape_is_told_by_the_first_that_knows_it(grid, exposure, tmp_path):
    wcs = grid.wcs
    shape = wcs.array_shape
    assert read_grid(written(tmp_path / "a", wcs, array_shape=[9, 8]), exposure, (7, 6)).shape == (6, 7)
    assert read_grid(written(tmp_path / "b", wcs, array_shape=[9, 8]), exposure).shape == shape
    wcs.array_shape = None
    assert read_grid(written(tmp_path / "c", wcs, array_shape=[9, 8], pixel_shape=[5, 4]), exposure).shape == (9, 8)
    assert read_grid(written(tmp_path / "d", wcs, pixel_shape=[5, 4]), exposure).shape == (4, 5)
    assert read_grid(written(tmp_path / "e", wcs), exposure).shape == shape
    wcs.bounding_box = None
    with pytest.raises(ParameterError, match=r"output_wcs: nothing in .* tells the shape"):
        read_grid(written(tmp_path / "f", wcs), exposure)
    boxed = read_grid(written(tmp_path / "f", wcs), exposure, (30, 20))
    assert boxed.wcs.bounding_box.bounding_box(order="F") == ((-0.5, 29.5), (-0.5, 19.5))


@pytest.mark.parametrize("content", [b"no ASDF", None])
def test_a_file_that_is_none_is_named(content, exposure, tmp_path):
    path = tmp_path / "grid.asdf"
    if content:
        path.write_bytes(content)
    with pytest.raises(ParameterError, match=r"output_wcs: .*grid.asdf cannot be read"):
        read_grid(path, exposure)


def test_a_file_without_a_wcs_is_named(exposure, tmp_path):
    with pytest.raises(ParameterError, match="has NoneType under 'wcs'"):
        read_grid(written(tmp_path / "grid.asdf", None), exposure)


def test_a_wcs_with_distortions_is_fitted_in_its_own_projection(grid, exposure, tmp_path, caplog):
    x, y = Polynomial2D(2, c1_0=1, c2_0=1e-6), Polynomial2D(2, c0_1=1)
    transform = (
        Shift(-50) & Shift(-40) | Mapping((0, 1, 0, 1)) | x & y | Scale(1e-5) & Scale(1e-5) | Pix2Sky_SIN()
        | RotateNative2Celestial(53.1, -27.8, 180)
    )  # fmt: skip
    wcs = gwcs.WCS([(exposure.wcs.input_frame, transform), (exposure.wcs.output_frame, None)])
    wcs.bounding_box = (-0.5, 99.5), (-0.5, 79.5)
    values = grid_header.keywords(read_grid(written(tmp_path / "grid.asdf", wcs), exposure), (51.0, 41.0))
    assert values["ctype1"] == "RA---SIN"
    assert values["crpix1"] == 51
    assert values["cd1_1"] == pytest.approx(1e-5, rel=1e-3)
    assert "linear fit" in caplog.text
