import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpipe import dq
from gpipe.background_mask.background import Background
from gpipe.clean_flicker_noise import cleaning
from gpipe.clean_flicker_noise.cleaning import Method, clean_images, clean_ramp
from gpipe.clean_flicker_noise.stripes import fit_stripes


def stripes(image, mask):
    return fit_stripes(image, mask, axis=1)


def one_level(image, mask):
    """Background with a known level, the first pixel; only pixels within 20 of this level count."""
    level = image[..., :1, :1]
    near = (image < level + 20) & (image > level - 20)
    return Background(level, mask & near)


def ramp(rng, shape=(2, 4, 6, 9)):
    data = np.cumsum(rng.normal(10, 2, shape), axis=1).astype(np.float32)
    data[1, 2, 3, 4] += 1000
    groupdq = np.zeros(shape, np.uint8)
    groupdq[0, 1, 0, 0], groupdq[1, 2, 3, 4], groupdq[0, 2, 1, 1] = dq.DO_NOT_USE, dq.JUMP_DET, dq.SATURATED
    return data, groupdq, rng.random(shape[-2:]) < 0.8


def slow_noise(image, mask, find=None, flat=None):
    """Noise by row, as a loop."""
    scaled = image if flat is None else image / flat
    mask = mask & ~np.isnan(scaled)
    scaled = np.nan_to_num(scaled)
    if not mask.any():
        return None, 0.0
    level = 0.0
    if find:
        found = find(scaled, mask)
        level, mask = found.level, found.mask
    rest, noise = scaled - level, np.zeros_like(image)
    for row in range(len(image)):
        if mask[row].any():
            noise[row] = np.median(rest[row][mask[row]])
    return noise if flat is None else noise * flat, level


def slow_ramp(data, groupdq, mask, find=None, flat=None):
    out, background = data.copy(), np.zeros_like(data)
    for i in range(data.shape[0]):
        noise = 0
        for j in range(1, data.shape[1]):
            allowed = (mask if mask.ndim == 2 else mask[i]) & (groupdq[i, j] & (dq.DO_NOT_USE | dq.JUMP_DET) == 0)
            found, background[i, j] = slow_noise(data[i, j] - data[i, j - 1], allowed, find, flat)
            noise = 0 if found is None else noise + found
            out[i, j] = data[i, j] - noise
    return out, background


@pytest.mark.parametrize("find", [None, one_level])
@pytest.mark.parametrize("with_flat", [False, True])
def test_ramps_against_a_loop(library, rng, find, with_flat):
    data, groupdq, mask = ramp(rng)
    flat = rng.uniform(0.8, 1.2, mask.shape).astype(np.float32) if with_flat else None

    def clean(data, groupdq, mask, flat):
        return clean_ramp(data, groupdq, mask, Method(stripes, find, flat), keep_background=True)

    found = library.run(clean, data, groupdq, mask, flat)
    data_expected, background = slow_ramp(data, groupdq, mask, find, flat)
    assert found.data.dtype == np.float32
    np.testing.assert_allclose(found.data, data_expected, atol=1e-3)
    np.testing.assert_allclose(found.background, background, atol=1e-4)
    assert found.usable.all()


def test_groups_without_usable_pixels_stay_and_the_sum_begins_anew(library, rng):
    data, groupdq, mask = ramp(rng)
    groupdq[0, 2] = dq.DO_NOT_USE
    masks = np.stack([mask, np.zeros_like(mask)])

    def clean(data, groupdq, mask):
        return clean_ramp(data, groupdq, mask, Method(stripes, one_level))

    found = library.run(clean, data, groupdq, masks)
    np.testing.assert_array_equal(found.usable, [[True, True, False, True], [True, False, False, False]])
    np.testing.assert_array_equal(found.data[1], data[1])
    np.testing.assert_array_equal(found.data[0, 2], data[0, 2])
    np.testing.assert_allclose(found.data, slow_ramp(data, groupdq, masks, one_level)[0], atol=1e-3)
    assert found.background is None


@pytest.mark.parametrize("at_once", [1, 54, 120, 10**6])
def test_how_many_images_are_worked_on_at_once_makes_no_difference(rng, monkeypatch, at_once):
    data, groupdq, mask = ramp(rng, (5, 4, 6, 9))
    groupdq[3, 2] = dq.DO_NOT_USE
    expected = slow_ramp(data, groupdq, mask, one_level)
    monkeypatch.setattr(cleaning, "PIXELS_AT_ONCE", at_once)
    found = clean_ramp(data, groupdq, mask, Method(stripes, one_level), keep_background=True)
    np.testing.assert_allclose(found.data, expected[0], atol=1e-3)
    np.testing.assert_allclose(found.background, expected[1], atol=1e-4)
    assert (found.usable == (np.arange(20).reshape(5, 4) != 14)).all()
    images = clean_images(data[:, 1], mask, Method(stripes, one_level)).data
    np.testing.assert_allclose(images[2], data[2, 1] - slow_noise(data[2, 1], mask, one_level)[0], atol=1e-4)


@pytest.mark.parametrize("workers", [2, 5])
def test_threads_make_no_difference(rng, monkeypatch, workers):
    data, groupdq, mask = ramp(rng, (3, 6, 6, 9))
    groupdq[1, 2] = dq.DO_NOT_USE
    monkeypatch.setattr(cleaning, "PIXELS_AT_ONCE", 1)
    one, several = ({"keep_background": True, "workers": number} for number in (1, workers))
    for clean, arrays in ((clean_ramp, (data, groupdq, mask)), (clean_images, (data, mask))):
        expected, found = (clean(*arrays, Method(stripes, one_level), **how) for how in (one, several))
        for name, values in vars(expected).items():
            np.testing.assert_array_equal(getattr(found, name), values, strict=True, err_msg=name)


def test_nan_stay_where_they_are(library, rng):
    data, groupdq, mask = ramp(rng)
    data[0, 1, 2, 3] = np.nan
    found = library.run(lambda *a: clean_ramp(*a, Method(stripes)), data, groupdq, mask)
    np.testing.assert_array_equal(np.isnan(found.data), np.isnan(data))


@given(st.integers(0, 1000))
def test_integrations_are_independent(seed):
    data, groupdq, mask = ramp(np.random.default_rng(seed))
    both = clean_ramp(data, groupdq, mask, Method(stripes)).data
    turned = clean_ramp(data[::-1], groupdq[::-1], mask, Method(stripes)).data
    np.testing.assert_array_equal(both, turned[::-1])


@pytest.mark.parametrize("axes", [2, 3])
def test_images(library, rng, axes):
    data, _, mask = ramp(rng)
    images = data[:, 0] if axes == 3 else data[0, 0]

    def clean(images, mask):
        return clean_images(images, mask, Method(stripes, one_level), keep_background=True)

    found = library.run(clean, images, mask)
    expected = [image - slow_noise(image, mask, one_level)[0] for image in images.reshape(-1, *mask.shape)]
    np.testing.assert_allclose(found.data, np.reshape(expected, images.shape), atol=1e-4)
    np.testing.assert_allclose(found.background[..., 0, 0], images[..., 0, 0], rtol=1e-6)
    assert found.usable.shape == images.shape[:-2] or found.usable.shape == (1,)


def test_a_scene_is_subtracted_while_noise_is_looked_for(library, rng):
    data, _, mask = ramp(rng)
    scene = np.broadcast_to(np.median(data, axis=0), data.shape).copy()

    def clean(data, mask, scene):
        return clean_images(data, mask, Method(stripes), scene=scene, keep_background=True)

    found = library.run(clean, data, mask, scene)
    np.testing.assert_array_equal(found.background, scene)
    for i, j in np.ndindex(*data.shape[:2]):
        noise, _ = slow_noise(data[i, j] - scene[i, j], mask)
        np.testing.assert_allclose(found.data[i, j], data[i, j] - noise, atol=1e-4)
    assert found.usable.shape == data.shape[:2]
