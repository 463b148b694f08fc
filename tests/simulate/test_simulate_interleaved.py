"""NIRSpec IRS2 readout: positions of samples, shared noise, and the benefit of its reference."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, IDEAL, QUIET

import gpipe.backends
from gpipe import dq
from gpipe.arrays.interleaved import reference_reads
from gpipe.datamodels import open_exposure
from gpipe.exceptions import ParameterError
from gpipe.refpix.irs2.correction import correct_irs2
from gpipe.refpix.irs2.streams import in_time_order, with_gaps
from gpipe.refpix.irs2.weights import Weights, weights_of_real
from gpipe.refpix.orientation import Orientation
from gpipe.simulate import ExposureConfig, make_exposure
from gpipe.simulate.detectors import DETECTORS
from gpipe.simulate.interleaved import (
    BLOCKS,
    NOISY,
    InterleavedReadout,
    bad_references,
    interleave_pixels,
    science_row_numbers,
)
from gpipe.simulate.irs2_reference import make_refpix, weights
from gpipe.simulate.pixels import make_pixels
from gpipe.simulate.readout import FULL

NRS = [DETECTORS["NRS1"], DETECTORS["NRS2"]]


def config(**changes):
    settings = {"detector": "NRS1", "readpatt": "NRSIRS2RAPID", "ngroups": 2, "noise": QUIET, "pixels": IDEAL}
    return ExposureConfig(**settings | changes)


@pytest.mark.parametrize("sca", NRS, ids=lambda sca: sca.name)
def test_a_stream_lies_in_the_order_in_which_the_correction_reads_it(sca):
    readout = InterleavedReadout(sca, FULL, 5)
    clock = np.arange(2048 * readout.row_length, dtype=np.float32).reshape(2048, -1)
    samples = readout.samples(clock)
    frame = np.concatenate([samples[:, ::-1] if readout.backwards(k) else samples for k in range(5)], axis=1)
    at = Orientation(sca.fast, sca.slow)
    detector = np.split(at.to_detector(readout.to_science(frame), xp=np), 5, axis=1)
    streams = [with_gaps(in_time_order(k, output)) for k, output in enumerate(detector)]
    read = streams[0] != 0
    assert read.sum() == 2048 * 640 - 1  # the first sample has the time 0
    for stream in streams:
        np.testing.assert_array_equal(stream[read], clock.ravel()[read])


def test_a_frame_takes_the_time_that_the_instrument_handbook_gives():
    assert config().frame_time == pytest.approx(14.5889, abs=1e-4)
    assert config(readpatt="NRSIRS2").group_time == pytest.approx(72.944, abs=1e-3)
    assert config().outputs == 5


@pytest.mark.parametrize("changes", [{"subarray": "SUB32", "detector": "NRS1"}, {"noutputs": 4}])
def test_irs2_readout_is_for_full_frames(changes):
    with pytest.raises(ParameterError, match="NRSIRS2RAPID"):
        config(**changes)


@pytest.mark.parametrize("sca", NRS, ids=lambda sca: sca.name)
def test_normal_pixels_keep_their_properties(sca):
    pixels = make_pixels(sca, FULL, IDEAL)
    sent = interleave_pixels(pixels, sca, 0)
    rows = science_row_numbers(sca)
    for name in ("gain", "bias", "well", "dq", "coefficients"):
        np.testing.assert_array_equal(getattr(sent, name)[..., rows, :], getattr(pixels, name), err_msg=name)
    others = np.setdiff1d(np.arange(3200), rows)
    assert not sent.sensitivity[others].any()
    assert (sent.dq[others] == dq.REFERENCE_PIXEL).all()
    reads = reference_reads(sent.bias)
    np.testing.assert_array_equal(reads[:, :, 0::2], reads[:, :, 1::2])
    assert (sent.noise == NOISY).sum() == 4


def test_the_reference_names_the_known_bad_pixel():
    known, unknown = bad_references(DETECTORS["NRS1"], 0)
    table = make_refpix(config()).dq_table
    bits = {(int(row["OUTPUT"]), int(row["MASK"])) for row in table if row["MASK"]}
    assert bits == {(known.output, 1 << known.block)}
    assert len(table) == 8
    assert known.block != unknown.block
    assert max(known.block, unknown.block) < BLOCKS


def test_weights_follow_the_noise():
    alpha, beta = weights(config(noise=replace(QUIET, one_over_f=3.0, read_noise=1.0)))
    assert len(alpha) == 712 * 2048
    np.testing.assert_allclose(alpha[1:], alpha[:0:-1])
    assert beta[1] == pytest.approx(22 / 8, rel=0.01)  # slow noise: the reference pixels know it all
    assert alpha[1] == pytest.approx(0, abs=0.01)
    half = len(alpha) // 2
    assert beta[half] == 0
    assert 0 < alpha[half] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
def test_correction_with_these_weights_removes_most_of_the_noise(detector):
    """In units of the read noise, which stays; so does most of what is faster than the steps to reference pixels."""
    noise = replace(QUIET, one_over_f=3.0, read_noise=1.0)
    of = config(detector=detector, noise=noise, scene=DARKNESS)
    model, _ = make_exposure(of)
    ramp = open_exposure(model, gpipe.backends.get("numpy"))
    table = make_refpix(of).irs2_table
    alpha, beta = (
        weights_of_real(np.stack([np.asarray(table[f"{name}_{k}"], np.float32) for k in range(4)]))
        for name in ("alpha", "beta")
    )
    at = Orientation(of.sca.fast, of.sca.slow)

    def noise_of(weights):
        clean = correct_irs2(ramp.data, weights, at)
        return float(np.diff(clean, axis=1)[0, 0, 4:-4, 4:-4].std()) / np.sqrt(2) / (of.sca.read_noise / of.sca.gain)

    before, after = noise_of(Weights(0 * alpha, 0 * beta)), noise_of(Weights(alpha, beta))
    assert after**2 - 1 < 0.4 * (before**2 - 1)
