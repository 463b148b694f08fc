"""Reference-pixel correction against jwst 3.0.0, live.

Compared: pixels of ramps and zero frames after the correction, for every detector orientation and kind of subarray, to
1e-6 of the value or 0.002 DN: jwst computes the first group of an exposure in float32, the others in float64.
"""

import numpy as np
import pytest
from helpers.refpix_parity import FULL, assert_same, exposure, orientation

import gpipe.dq as dq
from gpipe.refpix.correction import correct_four_amplifiers, correct_single_amplifier
from gpipe.refpix.edgeless import assign_reference_columns
from gpipe.refpix.settings import DriftSettings

pytestmark = pytest.mark.parity

ORIENTATIONS = [(1, 2), (-1, 2), (1, -2), (-1, -2), (2, 1), (-2, 1), (2, -1), (-2, -1)]


def jwst_correct(data, pixeldq, window, axes, noutputs, name="FULL", zeroframe=None, **given):
    pytest.importorskip("jwst")
    from jwst.refpix.reference_pixels import correct_model
    from stdatamodels.jwst.datamodels import RampModel

    model = RampModel(data=data.copy(), pixeldq=pixeldq.copy(), groupdq=np.zeros(data.shape, np.uint8))
    model.meta.instrument.name, model.meta.instrument.detector = "NIRCAM", "NRCA1"
    subarray = model.meta.subarray
    subarray.name, (subarray.fastaxis, subarray.slowaxis) = name, axes
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = window
    model.meta.exposure.noutputs = noutputs
    if zeroframe is not None:
        model.zeroframe, model.meta.exposure.zero_frame = zeroframe.copy(), True
    sirs = {
        "refpix_algorithm": "median",
        "sirs_kernel_model": None,
        "sigreject": 4.0,
        "gaussmooth": 1.0,
        "halfwidth": 30,
    }
    parameters = {
        "odd_even_columns": True,
        "use_side_ref_pixels": True,
        "side_smoothing_length": 11,
        "side_gain": 1.0,
        "odd_even_rows": True,
        "siglimit": 3.0,
    } | given
    correct_model(model, conv_kernel_params=sirs, **parameters)
    return model


@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_full_frame_in_every_orientation(axes):
    data, pixeldq = exposure(FULL)
    theirs = jwst_correct(data, pixeldq, FULL, axes, 4)
    assert_same(correct_four_amplifiers(data, pixeldq, orientation(axes, FULL)), theirs.data)


@pytest.mark.parametrize(
    "given",
    [
        {"odd_even_columns": False},
        {"use_side_ref_pixels": False},
        {"side_smoothing_length": 6, "side_gain": 0.4},
        {"side_smoothing_length": 31, "siglimit": 2.0},
    ],
    ids=str,
)
def test_full_frame_with_other_parameters(given):
    data, pixeldq = exposure(FULL, integrations=2, groups=1, seed=2)
    theirs = jwst_correct(data, pixeldq, FULL, (-1, 2), 4, **given)
    assert_same(correct_four_amplifiers(data, pixeldq, orientation((-1, 2), FULL), DriftSettings(**given)), theirs.data)


def test_full_frame_without_usable_pixels_in_one_place_or_another():
    data, pixeldq = exposure(FULL, seed=3)
    pixeldq[:4, :512] |= dq.DO_NOT_USE  # an amplifier's bottom
    pixeldq[:4, 513:1024:2] |= dq.DO_NOT_USE
    pixeldq[-4:, 513:1024:2] |= dq.DO_NOT_USE  # an amplifier's even columns
    pixeldq[500:600, :4] |= dq.DO_NOT_USE
    pixeldq[550:700, -4:] |= dq.DO_NOT_USE
    theirs = jwst_correct(data, pixeldq, FULL, (1, 2), 4)
    assert_same(correct_four_amplifiers(data, pixeldq, orientation((1, 2), FULL)), theirs.data)


STRIPES = [
    ((1, 2), (1, 1, 2048, 64)),
    ((-1, 2), (1, 1793, 2048, 256)),
    ((-2, -1), (1, 1, 256, 2048)),
    ((1, -2), (1, 100, 2048, 16)),
    ((-1, -2), (2, 1900, 700, 147)),
]


@pytest.mark.parametrize(("axes", "window"), STRIPES)
def test_subarrays_read_through_four_amplifiers(axes, window):
    data, pixeldq = exposure(window, integrations=2, seed=4)
    theirs = jwst_correct(data, pixeldq, window, axes, 4, name="SUB128")
    assert_same(correct_four_amplifiers(data, pixeldq, orientation(axes, window)), theirs.data)


WINDOWS = [
    ((-1, 2), (1, 1, 64, 64)),
    ((-1, -2), (1, 1793, 2048, 256)),
    ((1, -2), (1985, 1985, 64, 64)),
    ((2, 1), (1, 1020, 2048, 32)),
    ((-2, -1), (1, 1029, 2048, 31)),
    ((1, 2), (2000, 3, 49, 33)),
    ((1, 2), (100, 100, 64, 64)),
]


@pytest.mark.parametrize("odd_even_columns", [True, False])
@pytest.mark.parametrize(("axes", "window"), WINDOWS)
def test_subarrays_read_through_one_amplifier(axes, window, odd_even_columns):
    data, pixeldq = exposure(window, groups=3, integrations=2, seed=5)
    theirs = jwst_correct(data, pixeldq, window, axes, 1, name="SUB128", odd_even_columns=odd_even_columns)
    settings = DriftSettings(odd_even_columns=odd_even_columns)
    ours = correct_single_amplifier(data, pixeldq, orientation(axes, window), settings)
    assert_same(ours, theirs.data)


@pytest.mark.parametrize("axes", [(2, 1), (-2, -1)])
@pytest.mark.parametrize(("name", "window"), [("SUB512", (601, 1003, 512, 32)), ("SUB32", (1001, 900, 33, 32))])
def test_subarrays_without_an_edge_use_their_outer_columns(name, window, axes):
    data, pixeldq = exposure(window, seed=6)
    theirs = jwst_correct(data, pixeldq, window, axes, 1, name=name)
    assert_same(
        correct_single_amplifier(data, assign_reference_columns(pixeldq), orientation(axes, window)), theirs.data
    )


@pytest.mark.parametrize("axes", [(-1, 2), (2, 1)])
def test_reference_pixels_that_a_user_flags_within_a_subarray(axes):
    window = (600, 1000, 160, 160)
    data, pixeldq = exposure(window, seed=7)
    pixeldq[100:104] |= dq.REFERENCE_PIXEL
    data[..., ::2] += 100
    theirs = jwst_correct(data, pixeldq, window, axes, 1, name="SUB160")
    assert_same(correct_single_amplifier(data, pixeldq, orientation(axes, window)), theirs.data)
