from types import SimpleNamespace

import numpy as np
import pytest
from helpers.nirspec_wcs import behind_slices, behind_slits

from gpipe.background_mask.nirspec_light_host import has_wcs, lit_pixels, needs_wcs
from gpipe.exceptions import InputError

SHAPE = (2048, 2048)
BOXES = {3: ((10.3, 50.5), (5.5, 20.49)), 7: ((100, 140), (-3.5, 60.5))}
FIXED_SLITS = slice(922, 1116)


def meta(kind, wcs=None):
    return SimpleNamespace(exposure=SimpleNamespace(type=kind), wcs=wcs)


def boxed():
    """Pixels of BOXES: a limit at half a pixel, or beyond it, belongs to the next pixel."""
    out = np.zeros(SHAPE, bool)
    out[6:20, 10:51] = True
    out[0:61, 100:140] = True
    return out


@pytest.mark.parametrize("kind", ["NRS_FIXEDSLIT", "NRS_BRIGHTOBJ"])
def test_boxes_of_slits(kind):
    np.testing.assert_array_equal(lit_pixels(meta(kind, behind_slits(BOXES)), SHAPE), boxed())


@pytest.mark.parametrize(("quadrant", "lit"), [(1, True), (5, False)])
def test_fixed_slits_are_lit_unless_one_of_them_is_observed(quadrant, lit):
    expected = boxed()
    expected[FIXED_SLITS] |= lit
    found = lit_pixels(meta("NRS_MSASPEC", behind_slits(BOXES, quadrant)), SHAPE)
    np.testing.assert_array_equal(found, expected)


def slices():
    labels = np.zeros(SHAPE, np.int32)
    for number in range(30):
        labels[60 * number + 40 : 60 * number + 70, 300:1700] = number + 1
    return labels


def test_slices_and_the_fixed_slits_between_them():
    expected = slices() > 0
    expected[FIXED_SLITS] = True
    np.testing.assert_array_equal(lit_pixels(meta("NRS_IFU", behind_slices(slices())), SHAPE), expected)


def test_a_wcs_slice_by_slice_is_refused():
    with pytest.raises(InputError, match="found no map of slices; expected one"):
        lit_pixels(meta("NRS_IFU", behind_slits(BOXES)), SHAPE)


@pytest.mark.parametrize(("kind", "needed"), [("NRS_IFU", True), ("NRS_MSASPEC", True), ("NRS_DARK", False)])
def test_exposures_without_apertures_need_no_wcs(kind, needed):
    assert needs_wcs(meta(kind)) is needed
    assert not has_wcs(meta(kind))
    assert has_wcs(meta(kind, "something"))
    if not needed:
        assert not lit_pixels(meta(kind), SHAPE).any()


@pytest.mark.parity
def test_jwst_finds_the_same():
    masks = pytest.importorskip("jwst.clean_flicker_noise.clean_flicker_noise")
    from stdatamodels.jwst import datamodels

    for model, kind, wcs, mask in (
        (datamodels.ImageModel(), "NRS_FIXEDSLIT", behind_slits({3: ((10.3, 50.5), (5.5, 20.49))}), masks.mask_slits),
        (datamodels.IFUImageModel(), "NRS_IFU", behind_slices(slices()), masks.mask_ifu_slices),
    ):
        model.data, model.dq = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.uint32)
        model.meta.exposure.type, model.meta.wcs = kind, wcs
        theirs = ~mask(model, np.ones(SHAPE, bool))
        theirs[FIXED_SLITS] |= kind == "NRS_IFU"
        np.testing.assert_array_equal(lit_pixels(model.meta, SHAPE), theirs)
