"""Image2Pipeline against jwst's, from file to file: all extensions, keywords and their order, and names of products.

Pixels of i2d are compared in test_resample_beside_jwst.py.
"""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from helpers.image_exposures import CAMERAS, Place

from gpipe.associations import asn_from_list
from gpipe.pipeline import Image2Pipeline

pytestmark = pytest.mark.parity

OF_THE_FILE = {"DATE", "CAL_VER", "CAL_VCS", "FILENAME", "TFORM1", "NAXIS1", "SDP_VER"}
CASES = [
    *((name, None, None) for name in CAMERAS),
    ("NIRCAM", 3, None),
    ("NIRISS", 3, None),
    ("NIRCAM", None, "NRC_DARK"),
    ("NIRCAM", 3, "NRC_TSIMAGE"),
    ("MIRI", None, "MIR_CORONCAL"),
]


@pytest.fixture
def both(tmp_path, monkeypatch):
    """Calibrate by both packages, into the folders ``ours`` and ``theirs``; the results are lists of models."""
    theirs = pytest.importorskip("jwst.pipeline").Image2Pipeline
    monkeypatch.chdir(tmp_path)

    def run(source, steps=(), **parameters):
        found = []
        for folder, pipeline in (("ours", Image2Pipeline), ("theirs", theirs)):
            Path(folder).mkdir()
            settings = {"output_dir": folder, "save_results": True, "configure_log": False}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(pipeline.call(source, **settings, **parameters, steps=dict(steps)))
        return found

    return run


def assert_same_files():
    names = sorted(os.listdir("theirs"))
    assert sorted(os.listdir("ours")) == names
    for name in names:
        with fits.open(f"ours/{name}") as ours, fits.open(f"theirs/{name}") as theirs:
            assert [hdu.name for hdu in ours] == [hdu.name for hdu in theirs]
            for mine, other in zip(ours, theirs, strict=True):
                assert_same_header(mine.header, other.header)
                if "_i2d" not in name:
                    assert_same_pixels(mine, other)


def assert_same_header(ours, theirs):
    keys = [key for key in theirs if key not in OF_THE_FILE]
    assert [key for key in ours if key not in OF_THE_FILE] == keys
    for key in set(keys) - {"", "COMMENT"}:
        wanted = pytest.approx(theirs[key], rel=1e-6) if isinstance(theirs[key], float) else theirs[key]
        assert ours[key] == wanted, key


def assert_same_pixels(mine, other):
    if mine.name == "DQ":
        np.testing.assert_array_equal(mine.data, other.data)
    elif mine.is_image and mine.data is not None:
        assert mine.data.dtype == other.data.dtype
        np.testing.assert_allclose(mine.data, other.data, rtol=1e-5, err_msg=mine.name)


@pytest.mark.parametrize(("instrument", "nints", "exp_type"), CASES)
def test_products(instrument, nints, exp_type, both, tmp_path):
    place = Place(CAMERAS[instrument])
    name = f"jw00001001001_02101_00001_test_rate{'ints' * bool(nints)}.fits"
    place.rate(name, nints=nints, exp_type=exp_type).save(name)
    with place.cache(tmp_path / "references").activated():
        ours, theirs = both(name)
    assert_same_files()
    assert len(ours) == len(theirs) == 1
    assert type(ours[0]) is type(theirs[0])
    assert ours[0].meta.filename == theirs[0].meta.filename
    if ours[0].meta.wcs is not None:
        y, x = np.mgrid[0 : place.shape[0] : 7, 0 : place.shape[1] : 7]
        np.testing.assert_allclose(ours[0].meta.wcs(x, y), theirs[0].meta.wcs(x, y), rtol=0, atol=1e-9)


@pytest.mark.parametrize("nints", [None, 4])
def test_an_association_with_backgrounds(nints, both, tmp_path):
    place, ending = Place(CAMERAS["NIRCAM"]), "rateints" if nints else "rate"
    for number, name in enumerate(("a", "sky1", "sky2", "b")):
        place.rate(f"{name}_{ending}.fits", nints=nints, seed=number).save(f"{name}_{ending}.fits")
    exptypes = {"a": "science", "sky1": "background", "sky2": "BACKGROUND", "b": "science"}
    pairs = [(f"{name}_{ending}.fits", exptype) for name, exptype in exptypes.items()]
    content = asn_from_list(pairs, rule="DMSLevel2bBase", with_exptype=True)
    Path("two_asn.json").write_text(json.dumps(content | {"asn_pool": "pool.csv"}))
    background = {"save_results": True, "save_combined_background": False, "sigma": 1.0}
    with place.cache(tmp_path / "references").activated():
        ours, theirs = both("two_asn.json", output_file="not_used", steps={"bkg_subtract": background})
    assert_same_files()
    tables = [[(one.meta.asn.pool_name, one.meta.asn.table_name) for one in found] for found in (ours, theirs)]
    assert tables[0] == tables[1]
    assert len(os.listdir("ours")) == (3 if nints else 5)
