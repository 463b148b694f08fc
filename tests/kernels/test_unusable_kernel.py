"""Summaries of jump and ramp_fit, compared with the portable function."""

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel

from gpipe import dq
from gpipe.arrays.unusable import unusable_rows

pytestmark = in_every_variant
KERNEL = kernel(unusable_rows)


def flags(share, columns=9):
    """Rows that are DO_NOT_USE as a whole, that have other flags too, and that have one pixel without, anywhere."""
    rng = np.random.default_rng(3)
    groupdq = rng.choice(np.array([dq.DO_NOT_USE, 0xFF], np.uint8), (3, 4, 20, columns))
    groupdq[rng.random(groupdq.shape) < share] = 0xFF - dq.DO_NOT_USE
    groupdq[:, 1] |= np.uint8(dq.DO_NOT_USE)
    return groupdq


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_every_row_of_every_group(share):
    given = flags(share)
    given.flags.writeable = False
    for part in (given, given[..., 3:11, :]):
        found, expected = KERNEL(part), unusable_rows(part)
        np.testing.assert_array_equal(found, expected, strict=True)
        assert expected[:, 1, :].all()


@pytest.mark.parametrize("share", [0.0, 0.001, 1.0])
@pytest.mark.parametrize("columns", [1, 63, 64, 65, 128, 1032])
def test_widths(columns, share):
    given = flags(share, columns)
    np.testing.assert_array_equal(KERNEL(given), unusable_rows(given), strict=True)


@pytest.mark.parametrize("shape", [(1, 0, 3, 4), (1, 2, 0, 4), (2, 2, 3, 0)], ids=str)
def test_nothing(shape):
    given = np.zeros(shape, np.uint8)
    np.testing.assert_array_equal(KERNEL(given), unusable_rows(given), strict=True)


def test_strided_backwards_and_transposed():
    given = flags(0.05, 70)
    for part in (
        given[..., ::2],
        given[:, ::-1, ::3],
        given[..., ::-1],
        given.T,
        np.broadcast_to(given[:1], (3, 4, 20, 70)),
    ):
        np.testing.assert_array_equal(KERNEL(part), unusable_rows(part), strict=True)
