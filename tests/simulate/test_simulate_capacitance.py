"""Inter-pixel capacitance: what pixels show, and that the kernels of the references undo it."""

from dataclasses import replace

import crds
import numpy as np
import pytest
from astropy.io import fits
from helpers.simulated import IDEAL, mid_infrared, small

from gpipe import simulate
from gpipe.exceptions import ParameterError
from gpipe.ipc.ipc import Border, correct_ipc
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene
from gpipe.simulate.capacitance import (
    Coupling,
    deconvolution_kernel,
    make_coupling,
    make_kernels,
    pixel_kernels,
    spread_by_pairs,
    spread_evenly,
)
from gpipe.simulate.config import IPC_KERNELS

SHARE = 0.005
SHAPE = (9, 11)
STEADY = NoiseEffects(cosmic_rays=0, one_over_f=0.1, amplifier_drift=0.3, odd_even_drift=0.1, interference=0)
STARS = Scene(background=1500, density=0.02, faintest=3e4, brightest=3e5)


@pytest.fixture
def coupling():
    rng = np.random.default_rng(1)
    right, up = (SHARE * np.exp(0.3 * rng.standard_normal(SHAPE)) for _ in range(2))
    return Coupling(right.astype(np.float32), up.astype(np.float32))


@pytest.fixture
def charge():
    """Stars that fill a pixel each, on an even background."""
    rng = np.random.default_rng(2)
    return np.where(rng.uniform(size=(40, 50)) < 0.05, rng.uniform(1e3, 5e4, (40, 50)), 500).astype(np.float32)


def matrix(coupling):
    """The share that each pixel (row, column) shows of the charge of each pixel, by a loop."""
    rows, columns = SHAPE
    shares = np.zeros((*SHAPE, *SHAPE))
    for row, column in np.ndindex(SHAPE):
        if column + 1 < columns:
            shares[row, column, row, column + 1] = shares[row, column + 1, row, column] = coupling.right[row, column]
        if row + 1 < rows:
            shares[row, column, row + 1, column] = shares[row + 1, column, row, column] = coupling.up[row, column]
    for row, column in np.ndindex(SHAPE):
        shares[row, column, row, column] = 1 - shares[row, column].sum()
    return shares


def test_pairs_show_a_share_of_each_others_charge(coupling):
    charge = np.random.default_rng(3).uniform(0, 1e4, SHAPE).astype(np.float32)
    expected = np.einsum("yxvu,vu->yx", matrix(coupling), charge)
    np.testing.assert_allclose(spread_by_pairs(charge, coupling), expected, rtol=1e-6)


def test_pairs_that_are_all_alike_show_what_one_share_says(charge):
    alike = np.full(charge.shape, SHARE, dtype=np.float32)
    found = spread_by_pairs(charge, Coupling(alike, alike))
    np.testing.assert_allclose(found, spread_evenly(charge, np.float32(SHARE)), rtol=1e-6)
    assert found.sum(dtype=np.float64) == pytest.approx(charge.sum(dtype=np.float64), rel=1e-7)


def test_kernels_of_pixels_are_rows_of_the_inverse_matrix(coupling):
    pixels = SHAPE[0] * SHAPE[1]
    inverse = np.linalg.inv(matrix(coupling).reshape(pixels, pixels)).reshape(*SHAPE, *SHAPE)
    kernels = pixel_kernels(coupling)
    for row, column in np.ndindex(SHAPE):
        expected = np.zeros((3, 3))
        for y, x in np.ndindex(3, 3):
            v, u = row + 1 - y, column + 1 - x  # the sample that a convolution gives this weight
            if (y, x) != (1, 1) and 0 <= v < SHAPE[0] and 0 <= u < SHAPE[1]:
                expected[y, x] = inverse[row, column, v, u]
        expected[1, 1] = 1 - expected.sum()
        np.testing.assert_allclose(kernels[:, :, row, column], expected, atol=2e-7)


def test_kernels_of_pixels_do_not_depend_on_blocks_of_rows():
    rng = np.random.default_rng(4)
    right, up = (rng.uniform(0.002, 0.008, (150, 6)).astype(np.float32) for _ in range(2))
    whole = pixel_kernels(Coupling(right, up))
    part = pixel_kernels(Coupling(right[50:], up[50:]))
    np.testing.assert_array_equal(part[:, :, 3:], whole[:, :, 53:])


@pytest.mark.parametrize(("size", "tolerance"), [(3, 6e-4), (5, 2e-5)])
def test_the_kernel_undoes_the_spread(size, tolerance):
    share = 0.01
    kernel = np.zeros((3, 3))
    kernel[1, 1], kernel[[0, 1, 1, 2], [1, 0, 2, 1]] = 1 - 4 * share, share
    inverse = deconvolution_kernel(share, size)
    assert inverse.sum() == pytest.approx(1, abs=1e-5 if size == 5 else 1e-6)
    product = np.zeros((size + 2, size + 2))
    for (row, column), weight in np.ndenumerate(kernel):
        product[row : row + size, column : column + size] += weight * inverse
    expected = np.zeros_like(product)
    expected[size // 2 + 1, size // 2 + 1] = 1
    np.testing.assert_allclose(product, expected, atol=tolerance)


def test_the_kernel_of_all_pixels_is_that_of_each_where_they_are_alike():
    alike = np.full((12, 12), SHARE, dtype=np.float32)
    kernel = pixel_kernels(Coupling(alike, alike))[:, :, 6, 6]
    np.testing.assert_allclose(kernel, deconvolution_kernel(SHARE, 3), atol=1e-6)


@pytest.mark.parametrize("size", [3, 5])
def test_without_capacitance_the_kernel_changes_nothing(size, charge):
    kernel = deconvolution_kernel(0.0, size)
    assert kernel.shape == (size, size)
    np.testing.assert_array_equal(correct_ipc(charge[None, None], kernel, border=Border())[0, 0], charge)


def test_without_capacitance_the_kernels_of_pixels_change_nothing(charge):
    nothing = np.zeros(charge.shape, dtype=np.float32)
    kernels = pixel_kernels(Coupling(nothing, nothing))
    np.testing.assert_array_equal(correct_ipc(charge[None, None], kernels, border=Border())[0, 0], charge)


def test_the_step_gives_back_what_neighbours_show(charge):
    right, up = np.random.default_rng(5).uniform(0.8 * SHARE, 1.2 * SHARE, (2, *charge.shape)).astype(np.float32)
    evenly, by_pairs = spread_evenly(charge, np.float32(SHARE)), spread_by_pairs(charge, Coupling(right, up))
    cases = [(evenly, deconvolution_kernel(SHARE, 3), 3e-4), (evenly, deconvolution_kernel(SHARE, 5), 1e-5)]
    cases.append((by_pairs, pixel_kernels(Coupling(right, up)), 3e-4))
    inside = (slice(3, -3), slice(3, -3))  # the step takes what lies outside of a subarray for 0
    for seen, kernel, tolerance in cases:
        found = correct_ipc(seen[None, None], kernel, border=Border())[0, 0]
        assert np.abs(seen - charge).max() > 0.01 * charge.max()
        assert np.abs(found - charge)[inside].max() < tolerance * charge.max()


def test_a_subarray_shows_the_coupling_of_its_part_of_the_detector():
    effects = replace(IDEAL, ipc=SHARE, ipc_variation=0.1, ipc_kernel="each pixel")
    config = mid_infrared(pixels=effects)
    rows, columns = config.window.slices_in(config.sca.full)
    whole, part = (make_coupling(config.sca, area, effects) for area in (config.sca.full, config.window))
    np.testing.assert_array_equal(whole.right[rows, columns], part.right)
    np.testing.assert_array_equal(whole.up[rows, columns], part.up)
    assert np.median(part.right) == pytest.approx(SHARE, rel=0.01)
    assert np.std(part.right) == pytest.approx(0.1 * SHARE, rel=0.05)


# --- references -----------------------------------------------------------------------------------------------------


def found_by_crds(config, folder):
    cache = simulate.write_cache([config], folder, full_frame=False)
    model, _ = simulate.make_exposure(config)
    with cache.activated():
        return crds.getreferences(model.get_crds_parameters(), reftypes=["ipc"], observatory="jwst")["ipc"]


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        (small(pixels=replace(IDEAL, ipc=SHARE)), (5, 5)),
        (small(pixels=replace(IDEAL, ipc_kernel="3x3")), (3, 3)),
        (small(pixels=replace(IDEAL, ipc_kernel="5x5")), (5, 5)),
        (mid_infrared(pixels=replace(IDEAL, ipc=SHARE, ipc_kernel="each pixel")), (3, 3, 1024, 1032)),
    ],
    ids=["as by default", *IPC_KERNELS],
)
def test_the_reference_has_the_kernel_that_is_asked_for(config, shape, tmp_path):
    with fits.open(found_by_crds(config, tmp_path)) as reference:
        assert reference[0].header["REFTYPE"] == "IPC"
        assert reference["SCI"].shape == shape
        np.testing.assert_array_equal(reference["SCI"].data, make_kernels(config))


def test_without_capacitance_there_is_no_reference_unless_asked_for(tmp_path):
    assert found_by_crds(small(), tmp_path).startswith("NOT FOUND n/a")


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ParameterError, match="ipc_kernel='4x4': expected None or one of 3x3, 5x5, each pixel"):
        DetectorEffects(ipc_kernel="4x4")


@pytest.mark.parametrize("kernel", [None, "5x5"])
def test_one_kernel_for_pixels_that_differ_is_refused(kernel):
    with pytest.raises(ParameterError, match=r"ipc_variation=0.1.*expected 'each pixel'"):
        DetectorEffects(ipc=SHARE, ipc_variation=0.1, ipc_kernel=kernel)


def test_neighbours_in_stripes_do_not_differ():
    effects = DetectorEffects(ipc=SHARE, ipc_variation=0.1, ipc_kernel="each pixel")
    with pytest.raises(ParameterError, match=r"SUB204STRIPE_SOSS: .* expected ipc_variation=0"):
        ExposureConfig(detector="NIS", readpatt="NISRAPID", subarray="SUB204STRIPE_SOSS", ngroups=2, pixels=effects)


# --- rates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "effects"),
    [
        (small, DetectorEffects(ipc_kernel="3x3")),
        (small, DetectorEffects(ipc=SHARE, ipc_kernel="3x3")),
        (small, DetectorEffects(ipc=SHARE, ipc_kernel="5x5")),
        (mid_infrared, DetectorEffects(ipc=SHARE, ipc_variation=0.1, ipc_kernel="each pixel")),
    ],
    ids=["none", *IPC_KERNELS],
)
def test_rates_scatter_about_the_truth_by_their_errors(make, effects, tmp_path):
    """Rates have none of what pixels show of their neighbours; without the step they have all of it."""
    config = make(pixels=effects, noise=STEADY, scene=STARS, ngroups=20, nints=8)
    exposure = simulate.write_exposure(config, tmp_path)
    truth = exposure.truth.rate
    shown = spread_evenly(truth, np.float32(SHARE)) - truth
    with simulate.write_cache([config], tmp_path / "cache", full_frame=False).activated():
        for skip in (False, True):
            rate = Detector1Pipeline.call(exposure.path, steps={"ipc": {"skip": skip}}, configure_log=False)
            assert rate.meta.cal_step.ipc == ("SKIPPED" if skip else "COMPLETE")
            good = (rate.dq == 0) & ~exposure.truth.pixels.reference
            good[[0, -1]] = good[:, [0, -1]] = False  # the step takes what lies outside for 0
            pulls, expected = (values[good] / rate.err[good] for values in (rate.data - truth, shown))
            share, error = pulls @ expected / (expected @ expected), 1 / np.sqrt(expected @ expected)
            assert error < 0.05
            assert abs(share - bool(skip and effects.ipc)) < 3 * error
            if not skip:
                assert abs(np.median(pulls)) < 0.05
                assert 0.95 < pulls.std() < 1.10
