import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpipe.arrays.interleaved import own_rows
from gpipe.ipc.ipc import Border, correct_interleaved, correct_ipc

WHOLE = st.integers(-1000, 1000).map(float)


def slow(image, kernel, border):
    rows, columns = image.shape
    tall, wide = kernel.shape[:2]
    out = image.copy()
    inside_rows = range(border.bottom, rows - border.top)
    inside_columns = range(border.left, columns - border.right)
    for y in inside_rows:
        for x in inside_columns:
            weights = kernel if kernel.ndim == 2 else kernel[:, :, y, x]
            total = 0.0
            for j in range(tall):
                for i in range(wide):
                    source = (y + tall // 2 - j, x + wide // 2 - i)
                    if source[0] in inside_rows and source[1] in inside_columns:
                        total += float(weights[j, i]) * float(image[source])
            out[y, x] = total
    return out


@pytest.mark.parametrize("border", [Border(), Border(4, 4, 4, 4), Border(bottom=2, right=3)], ids=str)
@pytest.mark.parametrize("size", [(3, 3), (5, 3), (1, 1)])
@pytest.mark.parametrize("own_kernels", [False, True])
def test_convolution_against_a_loop(library, rng, border, size, own_kernels):
    data = rng.uniform(0, 1000, (2, 2, 12, 15)).astype(np.float32)
    kernel = rng.normal(0, 1, size + ((12, 15) if own_kernels else ())).astype(np.float32)
    out = library.run(correct_ipc, data, kernel, border=border)
    assert out.dtype == np.float32
    for i in range(2):
        for g in range(2):
            np.testing.assert_allclose(out[i, g], slow(data[i, g], kernel, border), rtol=1e-5, atol=5e-3)


def test_reference_pixels_keep_their_values(library, rng):
    data = rng.uniform(0, 1000, (1, 1, 12, 12)).astype(np.float32)
    out = library.run(correct_ipc, data, rng.normal(size=(3, 3)).astype(np.float32), border=Border(4, 4, 4, 4))
    outside = np.ones((12, 12), dtype=bool)
    outside[4:-4, 4:-4] = False
    np.testing.assert_array_equal(out[0, 0][outside], data[0, 0][outside])
    assert (out[0, 0][~outside] != data[0, 0][~outside]).all()


def test_many_row_slices_give_the_same(rng):
    data = rng.uniform(0, 1000, (1, 1, 40, 2048)).astype(np.float32)  # three slices in the host's cache
    kernel = rng.normal(size=(3, 3)).astype(np.float32)
    whole = correct_ipc(data, kernel, border=Border())
    part = correct_ipc(data[..., 14:20, :], kernel, border=Border())
    np.testing.assert_array_equal(whole[..., 15:19, :], part[..., 1:-1, :])


def test_a_kernel_without_a_middle_is_refused():
    with pytest.raises(ValueError, match="odd"):
        correct_ipc(np.zeros((1, 1, 4, 4), np.float32), np.ones((2, 3), np.float32), border=Border())


@given(hnp.arrays(np.float32, (1, 2, 5, 6), elements=WHOLE), hnp.arrays(np.float32, (3, 3), elements=WHOLE))
def test_correction_is_linear(data, kernel):
    once, twice = (correct_ipc(data * k, kernel, border=Border(1, 1, 1, 1)) for k in (1, 2))
    np.testing.assert_array_equal(twice, 2 * once)


@given(hnp.arrays(np.float32, (1, 1, 5, 6), elements=WHOLE))
def test_a_kernel_of_one_changes_nothing(data):
    kernel = np.zeros((3, 3), dtype=np.float32)
    kernel[1, 1] = 1
    np.testing.assert_array_equal(correct_ipc(data, kernel, border=Border()), data)


@pytest.mark.parametrize("border", [Border(bottom=9), Border(top=9), Border(4, 5), Border(left=7, right=7)], ids=str)
def test_images_within_the_border_keep_their_values(rng, border):
    data = rng.uniform(0, 1000, (1, 1, 6, 7)).astype(np.float32)
    np.testing.assert_array_equal(correct_ipc(data, np.ones((3, 3), np.float32), border=border), data)


@pytest.mark.parametrize("rows", [slice(0, 3200), slice(620, 720), slice(3, 14)])
@pytest.mark.parametrize("reference_first", [True, False])
def test_normal_pixels_of_irs2_readout_are_convolved_among_themselves(library, rng, rows, reference_first):
    data = rng.uniform(0, 1000, (2, 2, rows.stop - rows.start, 9)).astype(np.float32)
    kernel = rng.normal(0, 1, (3, 3)).astype(np.float32)
    places, border = list(own_rows(rows, reference_first=reference_first).places), Border(4, 4, 1, 1)
    out = library.run(correct_interleaved, data, kernel, border=border, places=tuple(places))
    expected = data.copy()
    for i in range(2):
        for g in range(2):
            expected[i, g, places] = slow(data[i, g, places], kernel, border)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-2)
