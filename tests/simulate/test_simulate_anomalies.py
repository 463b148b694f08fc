"""Signal that MIRI's resets and the end of an integration leave in the frames."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, IDEAL, mid_infrared
from stdatamodels.jwst import datamodels

from gpipe.simulate import DetectorEffects, Scene, make_exposure, write_cache


def frames(config):
    model, truth = make_exposure(config)
    with model:
        return model.data.astype(float), truth


@pytest.mark.parametrize("readpatt", ["FASTR1", "FASTGRPAVG"])
def test_the_reset_reference_is_what_a_reset_leaves_behind(readpatt, tmp_path):
    effects = replace(IDEAL, reset_decay=1.0, gap_fraction=0.01)
    config = mid_infrared(readpatt=readpatt, nints=3, ngroups=24, scene=DARKNESS, pixels=effects)
    data, truth = frames(config)
    cache = write_cache([config], tmp_path, full_frame=False)
    with datamodels.ResetModel(cache.reference("MIRI", "reset")) as model:
        reference = np.array(model.data)
        assert (model.meta.exposure.nints, model.meta.exposure.ngroups) == reference.shape[:2]
        assert model.meta.exposure.readpatt == readpatt
        gaps = truth.pixels.gaps["reset"]
        assert gaps.any()
        np.testing.assert_array_equal(model.dq != 0, gaps)
    groups = reference.shape[1]
    assert groups < 24
    np.testing.assert_array_equal(np.isnan(reference[0, 0]), gaps)
    for number, described in enumerate((0, 1, 1)):
        left = data[number, :groups] - truth.pixels.bias - reference[described]
        assert np.nanmin(left) > -2.1
        assert np.nanmax(left) < 0.1
    later = data[:, groups:] - truth.pixels.bias
    assert np.abs(later).max() < 2


def test_after_a_reset_of_much_signal_some_is_missing():
    config = mid_infrared(nints=2, ngroups=20, scene=Scene(background=5e4, density=0))
    without, truth = frames(config)
    data, _ = frames(replace(config, pixels=replace(IDEAL, rscd=1.0)))
    np.testing.assert_array_equal(data[0], without[0])
    lit = ~truth.pixels.reference
    missing = (without - data)[1][:, lit]
    before = (without[0, -1] - truth.pixels.bias)[lit]
    np.testing.assert_allclose(missing[0], 0.01 * before, atol=1.1)
    np.testing.assert_allclose(missing[2].mean() / missing[0].mean(), np.exp(-2 / 0.6), rtol=0.05)
    assert np.abs(missing[10:]).max() <= 1
    np.testing.assert_array_equal((without - data)[:, :, ~lit], 0)


def test_the_last_frame_lacks_a_share_of_the_row_below():
    config = mid_infrared(ngroups=4, scene=Scene(background=1e5, density=0))
    without, truth = frames(config)
    data, _ = frames(replace(config, pixels=replace(IDEAL, last_frame=1.0)))
    np.testing.assert_array_equal(data[0, :-1], without[0, :-1])
    lit = ~truth.pixels.reference[1:]
    below = (without[0, -1] - truth.pixels.bias)[:-1]
    missing = (without - data)[0, -1][1:]
    np.testing.assert_allclose(missing[lit], 0.02 * below[lit], atol=1.1)
    np.testing.assert_array_equal(missing[~lit], 0)


def test_the_rscd_reference_knows_every_subarray_and_read_pattern(tmp_path):
    config = mid_infrared()
    cache = write_cache([config], tmp_path, full_frame=False)
    with datamodels.RSCDModel(cache.reference("MIRI", "rscd")) as model:
        table = model.rscd_group_skip_table
        rows = {(row["subarray"], row["readpatt"]): (row["group_skip1"], row["group_skip"]) for row in table}
    assert len(rows) == len(table)
    assert rows["SUB64", "FASTR1"] == (1, 4)
    assert rows["FULL", "SLOWR1"] == (1, 3)
    assert rows["SLITLESSPRISM", "FASTGRPAVG"] == (1, 1)


def test_a_subarray_shows_what_the_full_frame_shows_there(tmp_path):
    small, whole = (mid_infrared(subarray=name, ngroups=1, pixels=DetectorEffects()) for name in ("SUB64", "FULL"))
    cache = write_cache([small, whole], tmp_path, full_frame=False)
    with (
        datamodels.ResetModel(cache.reference("MIRI", "reset", 1)) as cut,
        datamodels.ResetModel(cache.reference("MIRI", "reset", 2)) as full,
    ):
        rows, columns = small.window.slices_in(whole.window)
        np.testing.assert_array_equal(cut.data, full.data[..., rows, columns])
