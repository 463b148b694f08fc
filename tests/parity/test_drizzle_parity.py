"""Drizzle beside the package ``drizzle``, which the peer stands on: all kernels, inside of a border."""

import numpy as np
import pytest
from helpers.drizzling import placement, transform

from gpipe.backends.native import in_library
from gpipe.resample.drizzle import drizzle
from gpipe.resample.kernels import NAMES, kernel
from gpipe.resample.placement import Box, Tile

# The package warns of kernels that do not conserve light, and ends where warnings are errors.
pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore:Kernel")]
SIZE, BORDER = 90, 8


def exposure(rng):
    """A smooth sky with noise, and weights, some of them 0."""
    row, column = np.indices((SIZE, SIZE))
    data = 50 + 10 * np.sin(row / 5) * np.cos(column / 7) + rng.normal(0, 3, row.shape)
    weight = rng.uniform(0.8, 1.2, row.shape)
    weight[rng.random(row.shape) < 0.02] = 0
    return data.astype(np.float32), weight.astype(np.float32), (1 << rng.integers(0, 31, row.shape)).astype(np.uint32)


def of_the_package(data, weight, flags, places, tile, name, pixfrac, scale):
    from drizzle.resample import Drizzle

    made = Drizzle(kernel=name, out_shape=tile.shape)
    shape = {"weight_map": weight, "pixfrac": pixfrac, "pixel_scale_ratio": scale}
    made.add_image(data, exptime=1.0, pixmap=np.moveaxis(places, 0, -1), dq=flags, **shape)
    return made.out_img, made.out_wht, made.out_ctx[0], made.out_dq


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1.0, 0.7, 1.3])
@pytest.mark.parametrize("pixfrac", [1.0, 0.8])
@pytest.mark.parametrize("angle", [0.0, 0.3, 2.0])
def test_every_kernel(rng, name, scale, pixfrac, angle):
    if name.startswith("lanczos") and pixfrac != 1:
        pytest.skip("gpipe ignores pixfrac for Lanczos kernels")
    data, weight, flags = exposure(rng)
    to_grid = transform(angle=angle, scale=scale, size=SIZE, shift=(20.3, 22.1))
    placed = placement(data.shape, Box(0, SIZE - 1, 0, SIZE - 1), to_grid)
    tile = Tile(0, int(1.5 * SIZE / scale) + 45, 0, int(1.5 * SIZE / scale) + 42)
    found = in_library(drizzle)([data], weight, placed, tile, kernel(name, pixfrac, scale), dq=flags)
    column, row = np.meshgrid(np.arange(SIZE, dtype=float), np.arange(SIZE, dtype=float))
    image, total, context, dq = of_the_package(
        data, weight, flags, np.stack(to_grid(column, row)), tile, name, pixfrac, scale
    )
    light, weights = found.sums[..., 0], found.sums[..., 1]
    mean = light / np.where(weights == 0, 1, weights)
    inside = inner(placed, tile) & (np.abs(total) > 1e-6 * np.median(total[total > 0]))
    median, contrast = np.median(total[inside]), 30
    if name.startswith("lanczos"):
        bright = inside & (weights > 0.1 * median)
        far = np.abs(mean - image)[bright] > 1e-4 * contrast
    else:
        far = np.abs(mean - image)[inside] > 2e-6 * np.abs(image[inside])
        assert np.mean(np.abs(weights - total)[inside] > 2e-6 * median) <= 1e-4
        assert np.mean((weights > 0)[inside] != (context > 0)[inside]) <= 1e-4
        assert np.mean(found.dq[inside] != dq[inside]) <= 1e-3
    assert np.mean(far) <= 1e-4, f"{np.count_nonzero(far)} of {far.size}"
    assert inside.sum() > 1000


def inner(placed, tile):
    """Grid pixels whose place in the exposure is away from its border."""
    column, row = np.meshgrid(np.arange(tile.shape[1], dtype=float), np.arange(tile.shape[0], dtype=float))
    x, y = placed.inverse(column, row)
    return (np.minimum(x, y) > BORDER) & (np.maximum(x, y) < SIZE - 1 - BORDER)
