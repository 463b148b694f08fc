"""Grids and pixel maps against jwst's, for many combinations of parameters."""

import itertools

import asdf
import numpy as np
import pytest
from helpers.wcs import FGS, MIRI, NIRCAM, NIRISS, imaging_wcs

from gpipe.coordinates import grid_header
from gpipe.coordinates.output_grid import FirstExposure, GridOptions, Outline, output_grid
from gpipe.coordinates.output_wcs import read_grid
from gpipe.coordinates.wcs_maps import map_to_grid

pytestmark = pytest.mark.parity

PLACES = {"equator": (0.001, 2.0), "south": (359.9993, -68.0), "pole": (40.0, 89.9995)}
OPTICS = {"NIRCAM": NIRCAM, "NIRISS": NIRISS, "MIRI": MIRI, "FGS": FGS}
OPTIONS = [
    {},
    {"pixel_scale_ratio": 0.7},
    {"pixel_scale": 0.05},
    {"rotation": 0.0},
    {"rotation": 211.5, "pixel_scale_ratio": 1.4},
    {"crpix": (100.3, 200.0)},
    {"output_shape": (500, 3000)},
    {"output_shape": (500, 600), "crpix": (-30.0, 410.7), "rotation": 12.0},
]


def exposures(optics, place, number):
    ra, dec = place
    steps = np.linspace(0, 0.01, number)
    return [
        imaging_wcs(optics, ra + step / np.cos(np.deg2rad(min(dec, 80))), dec + step * (dec < 80) / 2, 20 + 9e3 * step)
        for step in steps
    ]


def library(models, optics):
    from jwst.datamodels import ModelLibrary
    from stdatamodels.jwst.datamodels import ImageModel

    made = []
    for k, (wcs, info) in enumerate(models):
        model = ImageModel(np.zeros(optics.shape, np.float32))
        model.meta.wcs = wcs
        model.meta.wcsinfo.instance.update(info)
        model.meta.filename, model.meta.group_id = f"jw{k}_cal.fits", str(k)
        made.append(model)
    return ModelLibrary(made)


def ours(models, optics, options, pixel_area=None):
    outlines = [Outline.read(str(k), info["s_region"]) for k, (_, info) in enumerate(models)]
    wcs, info = models[0]
    first = FirstExposure("first", wcs, optics.shape, info, pixel_area)
    return outlines, first, output_grid(outlines, first, GridOptions(**options))


def theirs(models, optics, options):
    from jwst.resample.resample_utils import resampled_wcs_from_models

    options = dict(options)
    if (shape := options.get("output_shape")) is not None:
        options["output_shape"] = shape[::-1]
    if (scale := options.get("pixel_scale")) is not None:
        options["pixel_scale"] = scale / 3600
    return resampled_wcs_from_models(library(models, optics), **options)


CASES = [
    *itertools.product(["NIRCAM"], PLACES, [1], OPTIONS),
    *itertools.product(["NIRCAM"], ["pole"], [4], OPTIONS[:5]),
    *((optics, "south", 2, {}) for optics in OPTICS),
]


@pytest.mark.parametrize(("optics", "place", "number", "options"), CASES, ids=str)
def test_grids_are_the_same(optics, place, number, options):
    from stcal.alignment import combine_sregions

    models = exposures(OPTICS[optics], PLACES[place], number)
    outlines, _, found = ours(models, OPTICS[optics], options)
    wcs, _, scale, ratio = theirs(models, OPTICS[optics], options)
    here, there = found.wcs.forward_transform, wcs.forward_transform
    assert found.shape == wcs.array_shape
    assert found.wcs.bounding_box.bounding_box() == wcs.bounding_box.bounding_box()
    np.testing.assert_allclose(here.crpix, there.crpix, rtol=0, atol=1e-6)
    np.testing.assert_allclose(here.crval, there.crval, rtol=0, atol=1e-10)
    np.testing.assert_allclose(here.pc, there.pc, rtol=0, atol=1e-14)
    assert found.pixel_scale / 3600 == pytest.approx(scale, rel=1e-9)
    assert found.pixel_scale_ratio == pytest.approx(ratio, rel=2e-6), "the sphere's areas there have six digits"
    regions = [info["s_region"] for _, info in models]
    region = combine_sregions(regions, wcs.get_transform("detector", "world"), wcs.footprint())
    np.testing.assert_allclose(numbers(grid_header.s_region(found, outlines)), numbers(region), rtol=0, atol=1e-8)


def numbers(region):
    return [float(value) for value in region.split() if value not in ("POLYGON", "ICRS")]


@pytest.mark.parametrize(("stepsize", "order"), [(1, 1), (13.5, 1), (64, 3), (1000, 3)])
def test_pixel_maps_are_the_same(stepsize, order):
    from stcal.resample.utils import calc_pixmap

    models = [imaging_wcs(NIRISS, shape=(150, 220), box=((3.5, 205.2), (-0.5, 149.5)))]
    _, _, grid = ours(models, NIRISS, {"rotation": 33.0})
    wcs = models[0][0]
    expected = calc_pixmap(wcs, grid.wcs, (150, 220), stepsize=stepsize, order=order)
    found = map_to_grid(wcs, (150, 220), grid.wcs, stepsize, order)
    assert found.box == (4, 205, 0, 149)
    np.testing.assert_allclose(found.band(0, 150), np.moveaxis(expected, -1, 0)[:, :, 4:206], rtol=0, atol=1e-6)
    assert np.isnan(expected[:, [3, 206]]).all()


def test_keywords_are_the_same():
    from jwst.resample.resample import ResampleImage

    models = exposures(MIRI, PLACES["south"], 1)
    outlines, _, grid = ours(models, MIRI, {})
    (model,) = library(models, MIRI)._loaded_models.values()
    model.meta.wcs = grid.wcs
    for key, value in {"cd1_1": 1.0, "a_order": 2, "a_0_2": 1e-5, "wcsaxes": 2}.items():
        model.meta.wcsinfo.instance[key] = value
    before = dict(model.meta.wcsinfo.instance)
    ResampleImage.update_fits_wcsinfo(model)
    found = grid_header.wcsinfo(before, grid, outlines)
    assert found.pop("s_region")
    expected = {key: value for key, value in model.meta.wcsinfo.instance.items() if key != "s_region"}
    assert found == {key: value for key, value in expected.items() if value is not None}


def test_a_grid_of_a_file_is_the_same(tmp_path):
    from jwst.resample.resample import ResampleImage
    from jwst.resample.resample_utils import load_custom_wcs

    models = exposures(NIRISS, PLACES["south"], 1)
    _, first, grid = ours(models, NIRISS, {"pixel_scale_ratio": 0.8}, pixel_area=1.01e-13)
    asdf.AsdfFile({"wcs": grid.wcs}).write_to(tmp_path / "grid.asdf")
    found = read_grid(tmp_path / "grid.asdf", first, (900, 800))
    image = ResampleImage(library(models, NIRISS), output_wcs=load_custom_wcs(tmp_path / "grid.asdf", (900, 800)))
    assert found.shape == image.output_array_shape
    assert found.pixel_scale == pytest.approx(image.output_pixel_scale, rel=1e-6)
    image._compute_pixel_scale_ratio({"wcs": models[0][0], "pixelarea_steradians": 1.01e-13})
    assert found.pixel_scale_ratio == pytest.approx(image.pixel_scale_ratio, rel=1e-6)
