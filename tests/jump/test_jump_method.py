import numpy as np
import pytest

from gpipe.arrays.unusable import unusable_rows
from gpipe.jump.method import Method, choose_method, unusable_groups

LIMITS = {"minimum_groups": 3, "minimum_sigclip_groups": 100, "only_use_ints": True, "min_diffs_single_pass": 10}


def test_groups_that_no_pixel_can_use_are_counted(library):
    groupdq = np.zeros((3, 5, 2, 2), np.uint8)
    groupdq[0, :2] = 1
    groupdq[1, 4] = 1 | 2
    groupdq[1, 0, 0] = 1
    groupdq[2] = 2
    np.testing.assert_array_equal(library.run(lambda flags: unusable_groups(unusable_rows(flags)), groupdq), [2, 1, 0])


@pytest.mark.parametrize(
    ("unusable", "groups", "changed", "method"),
    [
        ([0], 5, {}, Method.ITERATIVE),
        ([0], 10, {}, Method.ITERATIVE),
        ([0], 11, {}, Method.SINGLE_PASS),
        ([1], 11, {}, Method.ITERATIVE),
        ([0, 1, 0], 11, {}, Method.ITERATIVE),
        ([0], 5, {"min_diffs_single_pass": 4}, Method.SINGLE_PASS),
        ([2], 5, {}, Method.ITERATIVE),
        ([3], 5, {}, None),
        ([0, 3], 5, {}, None),
        ([0, 1], 5, {"minimum_groups": 5}, None),
        ([0] * 99, 5, {}, Method.ITERATIVE),
        ([0] * 100, 5, {}, Method.SIGMA_CLIP),
        ([5] * 100, 5, {}, Method.SIGMA_CLIP),
        ([0] * 20, 5, {"only_use_ints": False}, Method.SIGMA_CLIP),
        ([0] * 19 + [1], 5, {"only_use_ints": False}, Method.ITERATIVE),
    ],
)
def test_method(unusable, groups, changed, method):
    assert choose_method(unusable, groups, **LIMITS | changed) is method
