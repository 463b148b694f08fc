"""NIRSpec IRS2 readout: the functions behind jwst's steps and gpipe's steps on the same small or whole frames.

Compared: saturation (all flags), ipc, flagging and replacement of reference reads on frames of few columns; the whole
refpix step with random complex weights on full frames of both detectors, with every parameter that IRS2 readout uses.
Single-precision Fourier transforms round differently: 1e-3 DN on noise of 10 DN.
"""

import numpy as np
import pytest
from helpers.early_steps import apply, assert_same_ramp, place, ramp_model

import gpipe.dq as dq
from gpipe.arrays.interleaved import science_rows
from gpipe.ipc import IPCStep
from gpipe.refpix import RefPixStep
from gpipe.refpix.irs2.bad_reads import find_bad_reads, flag_reads, reads_of_table, replace_reads
from gpipe.saturation import SaturationStep

pytestmark = pytest.mark.parity
COLUMNS = 12


def exposure(data, detector="NRS1", pixeldq=None, **settings):
    model = ramp_model(data, pixeldq=pixeldq, corner=(1, 1), **{"readpatt": "NRSIRS2", "nframes": 5} | settings)
    meta = model.meta
    meta.instrument.name, meta.instrument.detector = "NIRSPEC", detector
    meta.subarray.name, meta.subarray.ysize = "FULL", 2048
    meta.subarray.fastaxis, meta.subarray.slowaxis = (2, 1) if detector == "NRS1" else (-2, -1)
    meta.exposure.nrs_normal, meta.exposure.nrs_reference = 16, 4
    return model


def described(kind, **arrays):
    from stdatamodels.jwst import datamodels

    model = getattr(datamodels, kind)(**arrays)
    model = place(model, (1, 1), (2048, next(iter(arrays.values())).shape[-1]))
    model.meta.instrument.name = "NIRSPEC"
    return model


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
@pytest.mark.parametrize(("grow", "by_frames", "with_bias"), [(1, True, True), (2, True, False), (0, False, True)])
def test_saturation(rng, detector, grow, by_frames, with_bias):
    saturation = pytest.importorskip("jwst.saturation.saturation")
    steps = rng.integers(0, 12000, (2, 5, 3200, COLUMNS))
    steps[rng.random(steps.shape) < 0.05] += 30000
    data = np.cumsum(steps, axis=1).clip(0, 65535).astype(np.float32)
    level = rng.integers(40000, 60000, (2048, COLUMNS)).astype(np.float32)
    level[rng.random(level.shape) < 0.1] = np.nan
    level_dq = np.where(rng.random(level.shape) < 0.1, dq.NO_SAT_CHECK, 0).astype(np.uint32)
    model = exposure(data, detector)
    bias = rng.integers(0, 3000, (3200, COLUMNS)).astype(np.float32)
    ours = apply(
        SaturationStep(n_pix_grow_sat=grow, use_readpatt=by_frames),
        model,
        saturation=described("SaturationModel", data=level, dq=level_dq),
        superbias=described("SuperBiasModel", data=bias) if with_bias else None,
    )
    reference = described("SaturationModel", data=level.copy(), dq=level_dq.copy())
    theirs = saturation.irs2_flag_saturation(
        model, reference, grow, by_frames, described("SuperBiasModel", data=bias) if with_bias else None
    )
    assert_same_ramp(ours, theirs)
    assert (ours.groupdq[:, 1] & dq.SATURATED).any()


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
def test_ipc(rng, detector):
    ipc = pytest.importorskip("jwst.ipc.ipc_corr")
    model = exposure(rng.normal(100, 10, (1, 2, 3200, COLUMNS)).astype(np.float32), detector)
    model.meta.subarray.xsize = COLUMNS
    kernel = rng.normal(0, 0.1, (3, 3)).astype(np.float32)
    ours = apply(IPCStep(), model, ipc=described("IPCModel", data=kernel))
    theirs = ipc.do_correction(model, described("IPCModel", data=kernel))
    np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limit", [2.0, 3.0])
def test_reads_that_stand_out_and_their_replacements(seed, limit):
    irs2 = pytest.importorskip("jwst.refpix.irs2_subtract_reference")
    rng = np.random.default_rng(seed)
    data = rng.normal(100, 5, (2, 3, 3200, COLUMNS)).astype(np.float32)
    noisy = rng.choice(np.flatnonzero((np.arange(3200) % 20 == 8) | (np.arange(3200) % 20 == 10)), 20, replace=False)
    data[:, :, noisy] += rng.normal(0, 60, (2, 3, 20, COLUMNS))
    pixeldq = np.zeros((3200, COLUMNS), np.uint32)
    pixeldq[[28, 29, 48], 3] = dq.BAD_REF_PIXEL
    model = exposure(data.copy(), pixeldq=pixeldq.copy())
    irs2.flag_bad_refpix(model, n_sigma=limit, flag_only=True)
    irs2.flag_bad_refpix(model, replace_only=True)
    bad = find_bad_reads(data, pixeldq, limit=limit)
    assert bad.sum() > 20
    np.testing.assert_array_equal(flag_reads(pixeldq, bad), model.pixeldq)
    np.testing.assert_allclose(replace_reads(data, bad), model.data, rtol=1e-6)


def test_reads_of_the_reference_table():
    irs2 = pytest.importorskip("jwst.refpix.irs2_subtract_reference")
    output, odd_even = np.repeat([1, 2, 3, 4], 2), np.tile([1, 2], 4)
    mask = np.array([0b1, 0b110, 1 << 31, 0, 0b10000, 0b1000000, 0, 0b101], np.uint32)
    data = np.arange(3200, dtype=np.float32)[None, None, None] * np.ones((1, 1, 2, 1), np.float32)
    ours = replace_reads(data[0, 0].T, np.array(reads_of_table(zip(output, odd_even, mask.tolist(), strict=True), 32)))
    is_read = (np.arange(3200) % 20 >= 8) & (np.arange(3200) % 20 < 12)
    irs2.clobber_ref(data, output, odd_even, mask, np.zeros(3200, bool), is_read)
    np.testing.assert_array_equal(ours, data[0, 0].T)


def weights_model(rng):
    from stdatamodels.jwst import datamodels

    model = datamodels.IRS2Model()
    table = np.zeros(2 * 712 * 2048, dtype=[(f"{name}_{k}", "f4") for name in ("alpha", "beta") for k in range(4)])
    for name in table.dtype.names:
        table[name] = rng.normal(0, 0.3, len(table))
    model.irs2_table = table
    rows = [(output, odd_even, 1 << (3 * output + odd_even)) for output in range(1, 5) for odd_even in (1, 2)]
    model.dq_table = np.array(rows, dtype=[("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("detector", "parameters"),
    [
        ("NRS1", {}),
        ("NRS2", {"preserve_irs2_refpix": True}),
        ("NRS1", {"irs2_mean_subtraction": True, "ovr_corr_mitigation_ftr": 2.0}),
        ("NRS2", {"irs2_mean_subtraction": True, "odd_even_columns": False, "siglimit": 2.5}),
    ],
    ids=str,
)
def test_the_step_with_complex_weights(rng, detector, parameters):
    jwst_step = pytest.importorskip("jwst.refpix").RefPixStep
    data = rng.normal(0, 7, (1, 2, 3200, 2048)).astype(np.float32)
    data += rng.normal(0, 60, (3200, 2048)).astype(np.float32)
    data += rng.normal(0, 20, (1, 2, 5, 1)).astype(np.float32).repeat(640, axis=2)
    data[:, :, 908:910] += rng.normal(0, 100, (1, 2, 2, 2048)).astype(np.float32)
    data[:, :, 1500:1510, 300] = 65000.0
    model, refpix = exposure(data, detector), weights_model(rng)
    ours = apply(RefPixStep(**parameters), model, refpix=refpix)
    step = jwst_step(**parameters, override_refpix=refpix, override_sirskernel="N/A")
    theirs = step.process(model)
    assert_same_ramp(ours, theirs, atol=1e-3)
    kept = parameters.get("preserve_irs2_refpix", False)
    before = data if kept else science_rows(data, reference_first=detector == "NRS1")
    assert np.abs(ours.data - before).std() > 1
