"""The kernels that combine exposures beside the portable functions: the same bits."""

import dataclasses

import numpy as np
import pytest
from helpers.in_c import in_every_variant, kernel, unaligned

from gpipe.resample import variances
from gpipe.resample.drizzle import Drizzled
from gpipe.resample.variances import Content

pytestmark = [in_every_variant, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
add_exposure, combine = kernel(variances.add_exposure), kernel(variances.combine)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0, -0.0, -1, 1e300, 1e-200, 5e-324])


def drizzled(rng, content, shape=(6, 9)):
    sums = rng.uniform(0, 4, (*shape, content.means + content.variances + 1))
    sums[rng.random(shape) < 0.2] = 0
    there = rng.random(sums.shape) < 0.05
    sums[there] = rng.choice(SPECIAL, np.count_nonzero(there))
    return Drizzled(sums, rng.integers(0, 1 << 32, shape, np.uint32))


def assert_equal(found, expected):
    for field in dataclasses.fields(expected):
        ours, theirs = getattr(found, field.name), getattr(expected, field.name)
        for a, b in zip(*((x if isinstance(x, list) else [x]) for x in (ours, theirs)), strict=True):
            assert (a is None) == (b is None), field.name
            np.testing.assert_array_equal(a, b, strict=b is not None, err_msg=field.name)


@pytest.mark.parametrize(
    "content", [Content(), Content(rnoise=None), Content(means=2, variances=0, rnoise=None), Content(variances=0)]
)
@pytest.mark.parametrize("wants", [True, False])
@pytest.mark.parametrize("workers", [1, 4])
def test_sums_and_planes(rng, content, wants, workers):
    start = variances.no_exposure(
        (6, 9), content, exposures=33, has_context=wants, has_dq=wants, like=np.zeros(1, np.float32)
    )
    ours = theirs = start
    for number in (0, 5, 31, 32):
        one = drizzled(rng, content)
        ours = add_exposure(ours, one, content, number=number, time=33.3, workers=workers)
        theirs = variances.add_exposure(theirs, one, content, number=number, time=33.3)
        assert_equal(ours, theirs)
    assert not start.sums.any()
    planes = combine(ours, content, ratio=0.7, fill=-1.5)
    assert_equal(planes, variances.combine(theirs, content, ratio=0.7, fill=-1.5))


def test_unaligned_and_strided_sums(rng):
    content = Content()
    start = variances.no_exposure((6, 9), content, exposures=1, has_context=True, has_dq=True, like=np.zeros(1))
    one = drizzled(rng, content)
    expected = add_exposure(start, one, content, number=0, time=1.0)
    wide = Drizzled(np.repeat(one.sums, 2, axis=1)[:, ::2], one.dq)
    for given in (wide, Drizzled(unaligned(one.sums), one.dq)):
        assert_equal(add_exposure(start, given, content, number=0, time=1.0), expected)


def test_float32_goes_to_the_portable_function(rng):
    content = Content()
    start = variances.no_exposure((6, 9), content, exposures=1, has_context=True, has_dq=False, like=np.zeros(1))
    narrow = dataclasses.replace(start, sums=start.sums.astype(np.float32))
    one = Drizzled(drizzled(rng, content).sums.astype(np.float32), None)
    found = add_exposure(narrow, one, content, number=0, time=1.0)
    assert_equal(found, variances.add_exposure(narrow, one, content, number=0, time=1.0))
    assert_equal(combine(found, content, ratio=1.0, fill=0.0), variances.combine(found, content, ratio=1.0, fill=0.0))
