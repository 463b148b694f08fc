"""The correction against a slow one that walks over the whole detector, amplifier by amplifier and row by row."""

import array_api_compat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpipe.dq as dq
from gpipe.refpix import signals
from gpipe.refpix.border import Border
from gpipe.refpix.correction import (
    correct_four_amplifiers,
    correct_single_amplifier,
    four_amplifier_signals,
    single_amplifier_signals,
)
from gpipe.refpix.edgeless import assign_reference_columns
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.settings import DriftSettings
from gpipe.refpix.signals import subtract_signals
from gpipe.refpix.zero_frame import correct_zero_frame

SIZE = 2048
EDGES = (slice(0, 4), slice(-4, None))


def slow_mean(values):
    left = values.astype(float)
    while left.size:
        inside = left[np.abs(left - left.mean()) <= 3 * left.std()]
        if inside.size in (0, left.size):
            return left.mean()
        left = inside
    return np.nan


def known_mean(values):
    values = [v for v in values if not np.isnan(v)]
    return np.mean(values) if values else np.nan


def slow_four(
    data, pixeldq, at, odd_even_columns=True, use_side_ref_pixels=True, side_smoothing_length=11, side_gain=1
):
    """One plane, detector frame."""
    here = np.s_[at.first_row : at.first_row + data.shape[0], at.first_column : at.first_column + data.shape[1]]
    plane, usable = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE), bool)
    plane[here], usable[here] = data, (pixeldq & dq.DO_NOT_USE) == 0
    step = 2 if odd_even_columns else 1
    for first in range(0, SIZE, 512):
        kinds = [slice(first + parity, first + 512, step) for parity in range(step)]
        signals = [known_mean([slow_mean(plane[e, kind][usable[e, kind]]) for e in EDGES]) for kind in kinds]
        if not np.isnan(signals).any():
            for kind, signal in zip(kinds, signals, strict=True):
                plane[:, kind] -= signal
    rows = np.zeros(SIZE)
    for row in range(at.first_row, at.first_row + data.shape[0]):
        window = np.abs(np.arange(side_smoothing_length) + row - side_smoothing_length // 2)
        window = np.where(window < SIZE, window, 2 * (SIZE - 1) - window)
        sides = [plane[window, side][usable[window, side]] for side in EDGES]
        rows[row] = np.nan_to_num(known_mean([np.median(s) if s.size else np.nan for s in sides]))
    return (plane - side_gain * use_side_ref_pixels * rows[:, None])[here]


def slow_single(data, pixeldq, at, odd_even_columns=True):
    """One plane, detector frame."""
    usable = ((pixeldq & dq.REFERENCE_PIXEL) != 0) & ((pixeldq & dq.DO_NOT_USE) == 0)
    column = (np.arange(data.shape[1]) + at.first_column) % (2 if odd_even_columns else 1)
    kinds = np.unique(column)
    signals = [slow_mean(data[:, column == kind][usable[:, column == kind]]) for kind in kinds]
    return data - np.nan_to_num(signals)[column] if not np.isnan(signals).any() else data


def exposure(rng, shape, at):
    """Ramps with outliers, and flags with bad reference pixels."""
    data = rng.normal(30.0, 10.0, shape).astype(np.float32)
    data[rng.random(shape) < 0.02] = 4000.0
    row = np.arange(shape[2])[:, None] + at.first_row
    column = np.arange(shape[3]) + at.first_column
    reference = (row < 4) | (row >= SIZE - 4) | (column < 4) | (column >= SIZE - 4)
    pixeldq = np.where(reference, np.uint32(dq.REFERENCE_PIXEL), np.uint32(0))
    pixeldq[rng.random(pixeldq.shape) < 0.1] |= dq.DO_NOT_USE
    return data, pixeldq


def compare(library, function, slow, at, rng, shape, flags=lambda x: x, **given):
    data, pixeldq = exposure(rng, shape, at)
    pixeldq = flags(pixeldq)
    expected = [[slow(plane, pixeldq, at, **given) for plane in groups] for groups in data]
    out = library.run(function, data, pixeldq, at, DriftSettings(**given))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"odd_even_columns": False},
        {"use_side_ref_pixels": False},
        {"side_smoothing_length": 4, "side_gain": 0.3},
    ],
    ids=str,
)
def test_stripe_read_through_four_amplifiers(library, rng, given):
    compare(library, correct_four_amplifiers, slow_four, Orientation(1, 2, 0, 0), rng, (2, 2, 14, SIZE), **given)


@pytest.mark.parametrize(
    ("first_row", "first_column", "shape"), [(2030, 1000, (1, 1, 17, 600)), (900, 0, (1, 2, 9, 31))]
)
def test_part_of_the_detector_read_through_four_amplifiers(library, rng, first_row, first_column, shape):
    at = Orientation(1, 2, first_row, first_column)
    compare(library, correct_four_amplifiers, slow_four, at, rng, shape)


def test_amplifier_without_usable_even_columns_is_left_alone(library, rng):
    def flags(pixeldq):
        pixeldq[:4, 512:1024:2] |= dq.DO_NOT_USE
        return pixeldq

    compare(library, correct_four_amplifiers, slow_four, Orientation(1, 2), rng, (1, 1, 6, SIZE), flags)


@pytest.mark.parametrize("odd_even_columns", [True, False])
@pytest.mark.parametrize(
    ("first_row", "first_column", "shape"),
    [(0, 0, (2, 2, 16, 20)), (2031, 2027, (1, 2, 17, 21)), (2, 1001, (1, 1, 7, 33)), (0, 3, (1, 1, 6, 9))],
)
def test_subarray_read_through_one_amplifier(library, rng, first_row, first_column, shape, odd_even_columns):
    at = Orientation(1, 2, first_row, first_column)
    compare(library, correct_single_amplifier, slow_single, at, rng, shape, odd_even_columns=odd_even_columns)


@pytest.mark.parametrize("odd_even_columns", [True, False])
@pytest.mark.parametrize(("first_row", "first_column"), [(500, 601), (0, 700), (2032, 2027)])
def test_reference_pixels_that_a_user_flags_within_a_subarray(library, rng, first_row, first_column, odd_even_columns):
    def flags(pixeldq):
        pixeldq[7:9] |= dq.REFERENCE_PIXEL
        pixeldq[:, 11] |= dq.REFERENCE_PIXEL
        return pixeldq

    at = Orientation(1, 2, first_row, first_column)
    compare(
        library,
        correct_single_amplifier,
        slow_single,
        at,
        rng,
        (2, 2, 16, 21),
        flags,
        odd_even_columns=odd_even_columns,
    )


def test_subarray_without_reference_pixels_stays_as_it_is(library, rng):
    data, pixeldq = exposure(rng, (1, 2, 16, 16), Orientation(1, 2, 500, 500))
    out = library.run(correct_single_amplifier, data, pixeldq, Orientation(1, 2, 500, 500))
    np.testing.assert_array_equal(out, data)


def test_science_frame_is_turned_to_the_detector_and_back(library, rng):
    at = Orientation(-2, 1, 0, 0)
    data, pixeldq = exposure(rng, (1, 1, 12, 18), at)
    expected = library.run(correct_single_amplifier, data, pixeldq, at)

    def to_science(x):
        return np.ascontiguousarray(np.swapaxes(x[..., ::-1], -2, -1))

    # columns of the detector, read backwards, are rows of the science frame
    out = library.run(correct_single_amplifier, data, pixeldq, Orientation(1, 2, 0, 0))
    turned = library.run(correct_single_amplifier, to_science(data), to_science(pixeldq), Orientation(-2, 1, 0, 0))
    np.testing.assert_array_equal(turned, to_science(out))
    assert not np.array_equal(expected, out)


def test_nan_among_reference_pixels_is_left_out(library, rng):
    at = Orientation(1, 2, 0, 0)
    data, pixeldq = exposure(rng, (1, 1, 16, 16), at)
    flagged = pixeldq.copy()
    flagged[1, 5] |= dq.DO_NOT_USE
    data[0, 0, 1, 5] = np.nan
    out = library.run(correct_single_amplifier, data, pixeldq, at)
    np.testing.assert_array_equal(out, library.run(correct_single_amplifier, data, flagged, at))
    assert np.isnan(out).sum() == 1


def test_blocks_of_integrations_do_not_show(rng, monkeypatch):
    at = Orientation(1, 2, 0, 0)
    data, pixeldq = exposure(rng, (5, 2, 12, 12), at)
    whole = correct_single_amplifier(data, pixeldq, at)
    monkeypatch.setattr(signals, "BLOCK_PIXELS", 2 * 2 * (12 + 12))
    np.testing.assert_array_equal(correct_single_amplifier(data, pixeldq, at), whole)


def by_rows(data, found, step):
    blocks = [
        subtract_signals(data[..., row : min(row + step, data.shape[2]), :], found, first_row=row)
        for row in range(0, data.shape[2], step)
    ]
    return array_api_compat.array_namespace(data).concat(blocks, axis=-2)


@pytest.mark.parametrize("axes", [(1, 2), (-1, -2), (-2, 1), (2, -1)])
def test_signals_of_the_border_are_subtracted_from_any_rows(library, rng, axes):
    window = {"xstart": 1, "ystart": 1, "xsize": 2048, "ysize": 18}
    if abs(axes[0]) == 2:
        window |= {"xsize": 18, "ysize": 2048}
    at = Orientation.of_window(*axes, **window)
    data, pixeldq = exposure(rng, (2, 1, window["ysize"], window["xsize"]), Orientation(1, 2))

    def four(data, pixeldq):
        return by_rows(data, four_amplifier_signals(Border.of(data), Border.of(pixeldq), at), 500)

    def single(data, pixeldq):
        return by_rows(data, single_amplifier_signals(Border.of(data), Border.of(pixeldq), at), 7)

    for parts, whole in ((four, correct_four_amplifiers), (single, correct_single_amplifier)):
        np.testing.assert_array_equal(library.run(parts, data, pixeldq), library.run(whole, data, pixeldq, at))


@pytest.mark.parametrize("axes", [(1, 2), (-2, -1)])
def test_sirs_signals_of_amplifiers_are_subtracted_from_any_rows(rng, axes):
    at = Orientation(*axes)
    data, pixeldq = rng.normal(size=(1, 1, SIZE, SIZE)).astype(np.float32), np.zeros((SIZE, SIZE), np.uint32)
    kernels = rng.normal(size=(2, 4, 5))
    sirs = DriftSettings(side_kernels=kernels)
    found = four_amplifier_signals(Border.of(data), Border.of(pixeldq), at, sirs)
    expected = correct_four_amplifiers(data, pixeldq, at, sirs)
    np.testing.assert_array_equal(by_rows(data, found, 700), expected)
    assert sorted(found.rows.shape[-2:]) == [4, SIZE]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(-500, 500), min_size=8, max_size=8))
def test_constant_of_each_amplifier_and_parity_is_removed(constants):
    rng = np.random.default_rng(1)
    at = Orientation(1, 2, 0, 0)
    data, pixeldq = exposure(rng, (1, 1, 12, SIZE), at)
    offset = np.array(constants, np.float32).reshape(4, 1, 2)
    shifted = data + np.tile(offset, (1, 256, 1)).reshape(SIZE)
    before, after = (correct_four_amplifiers(x, pixeldq, at) for x in (data, shifted))
    np.testing.assert_allclose(after, before, atol=2e-3)


def test_dark_columns_become_reference_pixels(library):
    pixeldq = np.full((3, 12), dq.DO_NOT_USE, np.uint32)
    out = library.run(assign_reference_columns, pixeldq)
    assert out.dtype == np.uint32
    outer = np.array([1] * 4 + [0] * 4 + [1] * 4, bool)
    np.testing.assert_array_equal(out, np.where(outer, pixeldq | np.uint32(dq.REFERENCE_PIXEL), pixeldq))


def test_zero_frame_is_corrected_like_a_group_but_for_zeros(library, rng):
    at = Orientation(1, 2, 0, 0)
    data, pixeldq = exposure(rng, (2, 1, 16, 16), at)
    data[0, 0, 6, 3:9] = 0.0

    def run(zeroframe, flags):
        return correct_zero_frame(zeroframe, lambda x: correct_single_amplifier(x, flags, at))

    expected = np.where(data == 0, 0, correct_single_amplifier(data, pixeldq, at))[:, 0]
    np.testing.assert_allclose(library.run(run, data[:, 0], pixeldq), expected, atol=1e-3)
