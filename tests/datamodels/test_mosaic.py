"""Mosaics: the order of extensions is that of jwst's products, and planes that nobody wants are not there."""

import numpy as np
from astropy.io import fits
from stdatamodels.jwst import datamodels

from gpipe import backends
from gpipe.datamodels import to_model
from gpipe.datamodels.exposures.image import Mosaic
from gpipe.datamodels.files.writing import write


def mosaic(**planes):
    data, wht = np.ones((3, 4), np.float32), np.full((3, 4), 2, np.float32)
    return Mosaic(datamodels.ImageModel(), backends.get("numpy"), data=data, wht=wht, **planes)


def extensions(exposure, path):
    write(to_model(exposure), path)
    with fits.open(path) as file:
        return [hdu.name for hdu in file]


def test_extensions_have_their_order(tmp_path):
    names = ("err", "var_poisson", "var_rnoise", "var_flat")
    every = {name: np.zeros((3, 4), np.float32) for name in names}
    found = extensions(mosaic(con=np.zeros((2, 3, 4), np.int32), **every), tmp_path / "a_i2d.fits")
    assert found == ["PRIMARY", "SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "ASDF"]


def test_planes_that_nobody_wants_are_not_there(tmp_path):
    assert extensions(mosaic(), tmp_path / "a_i2d.fits") == ["PRIMARY", "SCI", "WHT", "ASDF"]


def test_the_suffix_is_that_of_resampled_images():
    assert mosaic().suffix == "i2d"
