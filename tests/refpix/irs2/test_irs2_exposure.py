import logging
from dataclasses import replace

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

import gpipe.backends
import gpipe.dq as dq
from gpipe.arrays.interleaved import science_rows
from gpipe.controller import References, Skip
from gpipe.controller.plan import threads
from gpipe.datamodels import Ramp, Reference, forget_references
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.refpix import RefPixStep
from gpipe.refpix.irs2 import irs2_exposure
from gpipe.refpix.irs2.bad_reads import find_bad_reads, flag_reads, reads_of_table
from gpipe.refpix.irs2.correction import correct_irs2
from gpipe.refpix.irs2.means import output_levels
from gpipe.refpix.irs2.weights import Weights, weights_of_real
from gpipe.refpix.orientation import Orientation

COLUMNS = 8
LENGTH = 712 * COLUMNS


def exposure(rng, axes=(2, 1)):
    model = datamodels.RampModel()
    model.meta.instrument.name, model.meta.instrument.detector = "NIRSPEC", "NRS1"
    model.meta.exposure.readpatt = "NRSIRS2RAPID"
    model.meta.exposure.nrs_normal, model.meta.exposure.nrs_reference = 16, 4
    subarray = model.meta.subarray
    subarray.name, (subarray.fastaxis, subarray.slowaxis) = "FULL", axes
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = 1, 1, 2048, 2048
    shape = (1, 2, 3200, COLUMNS)
    data = rng.normal(50, 5, shape).astype(np.float32)
    data[:, :, 908:910] += rng.normal(0, 300, (1, 2, 2, COLUMNS))
    return Ramp(
        header=model,
        backend=gpipe.backends.get("numpy"),
        data=data,
        groupdq=rng.integers(0, 5, shape, dtype=np.uint8),
        pixeldq=np.zeros(shape[2:], np.uint32),
        zeroframe=data[:, 0],
    )


def reference(rng, length=LENGTH, table=((1, 2, 0b110),)):
    model = datamodels.IRS2Model()
    weights = np.zeros(2 * length, dtype=[(f"{name}_{k}", "f4") for name in ("alpha", "beta") for k in range(4)])
    for name in weights.dtype.names:
        weights[name] = rng.normal(0, 0.3, 2 * length)
    model.irs2_table = weights
    if table is not None:
        model.dq_table = np.array(list(table), dtype=[("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])
    return Reference("refpix", model), weights


def expected(ramp, weights, table, at, limit=3.0, means=None, keep=False):
    bad = find_bad_reads(ramp.data, ramp.pixeldq, limit=limit)
    named = np.array(reads_of_table(table, 32))
    levels = None if means is None else output_levels(ramp.data, flag_reads(ramp.pixeldq, bad), at, **means)
    parts = [weights_of_real(np.stack([weights[f"{name}_{k}"] for k in range(4)])) for name in ("alpha", "beta")]
    return correct_irs2(
        ramp.data,
        Weights(*parts),
        at,
        bad_reads=bad,
        named_reads=named if at.fastaxis > 0 else named[::-1, ::-1, ::-1],
        levels=levels,
        keep_reference_pixels=keep,
    )


@pytest.mark.parametrize("axes", [(2, 1), (-2, -1)])
def test_normal_pixels_remain(rng, axes):
    ramp, (refpix, weights) = exposure(rng, axes), reference(rng)
    out = RefPixStep().apply(ramp, References({"refpix": refpix}))
    at, reference_first = Orientation(*axes), axes[0] > 0
    np.testing.assert_array_equal(out.data, expected(ramp, weights, [(1, 2, 0b110)], at))
    for name in ("groupdq", "pixeldq", "zeroframe"):
        before = science_rows(getattr(ramp, name), reference_first=reference_first)
        np.testing.assert_array_equal(getattr(out, name), before, err_msg=name)


def test_weights_are_made_once_of_a_reference_that_is_used_again(rng, monkeypatch):
    ramp, (refpix, _) = exposure(rng), reference(rng)
    first = RefPixStep().apply(ramp, References({"refpix": refpix}))
    refpix.is_used_again = True
    RefPixStep().apply(ramp, References({"refpix": refpix}))
    monkeypatch.setattr(irs2_exposure, "weights_of_real", None)
    again = RefPixStep().apply(ramp, References({"refpix": refpix}))
    np.testing.assert_array_equal(again.data, first.data)
    forget_references()


@pytest.mark.parametrize(
    ("parameters", "changes"),
    [
        ({"ovr_corr_mitigation_ftr": 1.2}, {"limit": 1.2}),
        ({"irs2_mean_subtraction": True}, {"means": {}}),
        (
            {"irs2_mean_subtraction": True, "odd_even_columns": False, "siglimit": 2.0},
            {"means": {"odd_even_columns": False, "siglimit": 2.0}},
        ),
        ({"preserve_irs2_refpix": True}, {"keep": True}),
    ],
    ids=lambda value: ",".join(value),
)
def test_parameters_reach_the_functions(rng, parameters, changes):
    ramp, (refpix, weights) = exposure(rng), reference(rng)
    out = RefPixStep(**parameters).apply(ramp, References({"refpix": refpix}))
    table, at = [(1, 2, 0b110)], Orientation(2, 1)
    np.testing.assert_array_equal(out.data, expected(ramp, weights, table, at, **changes))
    usual = expected(ramp, weights, table, at)
    assert out.data.shape != usual.shape or np.abs(out.data - usual).max() > 1e-3


def test_kept_reference_pixels_are_flagged(rng):
    ramp, (refpix, _) = exposure(rng), reference(rng)
    out = RefPixStep(preserve_irs2_refpix=True).apply(ramp, References({"refpix": refpix}))
    assert out.data.shape == ramp.data.shape
    assert (out.pixeldq[908:910] == dq.BAD_REF_PIXEL | dq.DO_NOT_USE).all()
    assert out.groupdq is ramp.groupdq


@pytest.mark.parametrize("overwritable", [True, False])
def test_data_are_written_to_where_nobody_else_needs_them(rng, overwritable):
    ramp, (refpix, _) = exposure(rng), reference(rng)
    ramp = replace(ramp, zeroframe=None)
    expected = RefPixStep().apply(ramp, References({"refpix": refpix}))
    before = ramp.data.copy()
    out = RefPixStep().apply(replace(ramp, overwritable=overwritable), References({"refpix": refpix}))
    for name in ("data", "groupdq", "pixeldq"):
        np.testing.assert_array_equal(getattr(out, name), getattr(expected, name), err_msg=name)
    assert np.shares_memory(out.data, ramp.data) == overwritable
    assert np.array_equal(ramp.data, before) != overwritable


class Looking(RefPixStep):
    """Looks at what came in."""

    def apply(self, exposure, references):
        return super().apply(exposure, references)


def test_only_irs2_readout_is_corrected_in_its_place(rng):
    meta = exposure(rng).meta
    assert RefPixStep().overwrites(meta)
    assert not Looking().overwrites(meta)
    meta.exposure.readpatt = "NRS"
    assert not RefPixStep().overwrites(meta)


def test_the_plan_has_room_for_each_thread_whatever_the_groups(monkeypatch):
    def room(cores, groups=8):
        monkeypatch.setattr(threads, "cores_of_this_process", lambda: cores)
        return RefPixStep().workspace((1, groups, 3200, 2048))

    assert room(1) < room(2) < room(8) == room(16) < room(16, groups=40)
    assert room(2, groups=40) == room(2)
    assert RefPixStep().workspace((1, 8, 64, 64)) == RefPixStep.cut.workspace * 8 * 64 * 64


def test_a_reference_without_a_table_of_bad_pixels_serves(rng, caplog):
    ramp, (refpix, weights) = exposure(rng), reference(rng, table=None)
    with caplog.at_level(logging.WARNING):
        out = RefPixStep().apply(ramp, References({"refpix": refpix}))
    np.testing.assert_array_equal(out.data, expected(ramp, weights, [], Orientation(2, 1)))
    assert "no DQ table" in caplog.text


def test_without_a_reference_the_step_is_skipped(rng):
    with pytest.raises(Skip, match="no refpix reference"):
        RefPixStep().apply(exposure(rng), References({"refpix": None}))


def test_weights_of_another_length_are_refused(rng):
    with pytest.raises(ReferenceFileError, match=f"found 200 rows; expected {2 * LENGTH}"):
        RefPixStep().apply(exposure(rng), References({"refpix": reference(rng, length=100)[0]}))


def test_what_cannot_be_weights_is_refused_beforehand(rng):
    with pytest.raises(ReferenceFileError, match="no IRS2 table"):
        RefPixStep().check(exposure(rng).meta, References({"refpix": Reference("refpix", datamodels.IRS2Model())}))


@pytest.mark.parametrize("found", [(16, 2), (8, 4), (None, 4)])
def test_another_interleaving_is_refused(rng, found):
    meta = exposure(rng).meta
    meta.exposure.nrs_normal, meta.exposure.nrs_reference = found
    with pytest.raises(InputError, match=r"NRS_REF .*expected 16, 4"):
        RefPixStep().check(meta, References({"refpix": None}))


def test_crds_is_asked_for_weights_in_irs2_readout_only(rng):
    meta = exposure(rng).meta
    assert list(RefPixStep().wanted_references(meta)) == ["refpix"]
    meta.exposure.readpatt = "NRS"
    assert "refpix" not in RefPixStep().wanted_references(meta)
