import warnings
from functools import partial

import numpy as np
import pytest
from astropy.stats import sigma_clip
from scipy.ndimage import zoom

from gpipe.background_mask.background import background_model, default_box, find_background
from gpipe.background_mask.limits import clip_to_background, median_level


def leave_gaps(mesh):
    return mesh


def field(rng, shape=(64, 80)):
    row, column = np.mgrid[: shape[0], : shape[1]]
    image = (20 + 3 * np.sin(row / 20) + column / 30 + rng.normal(0, 1, shape)).astype(np.float32)
    image[rng.random(shape) < 0.02] += 30
    return image, rng.random(shape) < 0.98


def slow_model(image, mask, box):
    allowed = median_level(image, mask).mask
    rows, columns = (-(-size // side) for size, side in zip(image.shape, box, strict=True))
    mesh = np.full((rows, columns), np.nan, np.float32)
    for r, c in np.ndindex(rows, columns):
        part = slice(r * box[0], (r + 1) * box[0]), slice(c * box[1], (c + 1) * box[1])
        left = sigma_clip(image[part][allowed[part]].astype(float), sigma=3, masked=False)
        if len(left) > 0.9 * box[0] * box[1]:
            mesh[r, c] = np.median(left)
    smooth = np.empty_like(mesh)
    for r, c in np.ndindex(rows, columns):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            smooth[r, c] = np.nanmedian(mesh[max(r - 2, 0) : r + 3, max(c - 2, 0) : c + 3])
    model = zoom(smooth, box, order=3, mode="reflect", grid_mode=True)[: image.shape[0], : image.shape[1]]
    return np.clip(model, smooth.min(), smooth.max())


@pytest.mark.parametrize("box", [None, (8, 16), (9, 11)])
def test_model_against_a_loop_over_boxes(library, rng, box):
    image, mask = field(rng)
    found = library.run(partial(background_model, box_size=box, fill_gaps=leave_gaps), image, mask)
    assert found.level.dtype == np.float32
    if box is not None:
        np.testing.assert_allclose(found.level, slow_model(image, mask, box), atol=5e-3)
    assert found.level.shape == image.shape


def test_boxes_without_enough_pixels_are_filled_from_others(library, rng):
    image, mask = field(rng)
    mask[:16, :16] = False
    image[:16, :16] = 1e4
    seen = []

    def fill(mesh):
        host = np.array(library_to_host(mesh))
        seen.append(np.isnan(host).sum())
        return mesh

    library_to_host = library.to_host
    found = library.run(partial(background_model, box_size=(16, 16), fill_gaps=fill), image, mask)
    assert seen[0] >= 1
    assert np.max(found.level) < 40


def test_a_frame_without_a_good_box_gets_the_median(library, rng):
    image, mask = field(rng)
    mask = mask & (rng.random(mask.shape) < 0.5)
    found = library.run(partial(background_model, box_size=(16, 16), fill_gaps=leave_gaps), image, mask)
    np.testing.assert_allclose(found.level, np.full(image.shape, median_level(image, mask).value), rtol=1e-5)


@pytest.mark.parametrize("method", ["median", "model"])
@pytest.mark.parametrize("n_sigma", [0.0, 2.0])
def test_what_is_found_and_what_is_left_in_the_mask(library, rng, method, n_sigma):
    image, mask = field(rng)
    find = partial(find_background, method=method, n_sigma=n_sigma, box_size=(16, 16), fill_gaps=leave_gaps)
    found = library.run(find, image, mask)
    allowed = median_level(image, mask).mask
    expected = allowed
    if n_sigma:
        rest = image - found.level
        expected = clip_to_background(rest, allowed, below=n_sigma, above=n_sigma, lower_half_only=True)
    assert np.mean(found.mask != expected) < 2e-3
    assert found.level.shape == ((1, 1) if method == "median" else image.shape)


@pytest.mark.parametrize("method", ["median", "model"])
def test_a_stack_is_worked_on_image_by_image(library, rng, method):
    images, masks = zip(*(field(rng) for _ in range(3)), strict=True)
    images, masks = np.stack(images)[:, None], np.stack(masks)[:, None]
    images[1] *= 3
    find = partial(find_background, method=method, n_sigma=2.0, box_size=(16, 16), fill_gaps=leave_gaps)
    found = library.run(find, images, masks)
    for k in range(3):
        alone = find(images[k, 0], masks[k, 0])
        np.testing.assert_allclose(found.level[k, 0], alone.level, rtol=1e-5)
        assert np.mean(found.mask[k, 0] != alone.mask) < 1e-3


@pytest.mark.parametrize(("size", "box"), [(2048, 32), (1024, 32), (100, 25), (96, 32), (17, 17), (37, 1)])
def test_default_box(size, box):
    assert default_box(size) == box
