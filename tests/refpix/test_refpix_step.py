import logging
from dataclasses import replace

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import RampModel

import gpipe.backends
import gpipe.dq as dq
from gpipe.controller import References, Skip
from gpipe.controller.plan import chunk_size
from gpipe.datamodels import Ramp
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.refpix import RefPixStep
from gpipe.refpix.correction import correct_four_amplifiers, correct_single_amplifier
from gpipe.refpix.edgeless import assign_reference_columns
from gpipe.refpix.miri import correct_interleaved_amplifiers
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.settings import DriftSettings
from gpipe.refpix.sirs import convolution_kernels

WITHOUT_SIRS = "SIRS is for full frames of the near infrared; this exposure is corrected without it"
NOTHING = References({"refpix": None, "sirskernel": None})


def header(window=(1, 1, 64, 64), name="SUB64P", noutputs=1, axes=(-1, 2)):
    model = RampModel()
    model.meta.instrument.name, model.meta.exposure.readpatt, model.meta.exposure.noutputs = "NIRCAM", "RAPID", noutputs
    subarray = model.meta.subarray
    subarray.name, (subarray.fastaxis, subarray.slowaxis) = name, axes
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = window
    return model


def exposure(rng, **described):
    model = header(**described)
    subarray = model.meta.subarray
    shape = (2, 2, subarray.ysize, subarray.xsize)
    pixeldq = np.zeros(shape[2:], np.uint32)
    pixeldq[:4] = pixeldq[:, :4] = dq.REFERENCE_PIXEL
    return Ramp(
        header=model,
        backend=gpipe.backends.get("numpy"),
        data=rng.normal(20, 5, shape).astype(np.float32),
        groupdq=np.zeros(shape, np.uint8),
        pixeldq=pixeldq,
    )


def test_parameters_reach_the_function_of_one_amplifier(rng):
    ramp = exposure(rng)
    out = RefPixStep(odd_even_columns=False, siglimit=2.0).apply(ramp, NOTHING)
    expected = correct_single_amplifier(
        ramp.data,
        ramp.pixeldq,
        Orientation(-1, 2, 0, 2048 - 64),
        DriftSettings(odd_even_columns=False, siglimit=2.0),
    )
    np.testing.assert_array_equal(out.data, expected)
    assert out.pixeldq is ramp.pixeldq


def test_parameters_reach_the_function_of_four_amplifiers(rng):
    ramp = exposure(rng, window=(1, 1, 2048, 16), noutputs=4, name="SUBGRISM64")
    given = {"use_side_ref_pixels": True, "side_smoothing_length": 7, "side_gain": 0.6, "odd_even_columns": False}
    out = RefPixStep(**given).apply(ramp, NOTHING)
    np.testing.assert_array_equal(
        out.data, correct_four_amplifiers(ramp.data, ramp.pixeldq, Orientation(-1, 2), DriftSettings(**given))
    )


def test_edgeless_subarray_uses_its_outer_columns(rng):
    ramp = exposure(rng, window=(600, 1000, 40, 32), name="SUB512", axes=(2, 1))
    ramp.pixeldq[...] = 0
    at = Orientation(2, 1, first_row=599, first_column=999)
    out = RefPixStep().apply(ramp, NOTHING)
    np.testing.assert_array_equal(
        out.data, correct_single_amplifier(ramp.data, assign_reference_columns(ramp.pixeldq), at)
    )
    assert not out.pixeldq.any()


def test_zero_frame_is_corrected_too(rng):
    ramp = exposure(rng)
    with_zero = Ramp(**{**vars(ramp), "zeroframe": ramp.data[:, 1]})
    out = RefPixStep().apply(with_zero, NOTHING)
    np.testing.assert_array_equal(out.zeroframe, out.data[:, 1])


def test_a_detector_without_axes_is_refused_beforehand():
    meta = header().meta
    meta.subarray.fastaxis = None
    with pytest.raises(InputError, match="FASTAXIS None"):
        RefPixStep().check(meta, NOTHING)


def miri(rng, window=(1, 1, 1032, 1024), name="FULL"):
    ramp = exposure(rng, window=window, name=name, noutputs=4, axes=(None, None))
    ramp.meta.instrument.name = "MIRI"
    return ramp


def test_parameters_reach_the_function_of_interleaved_amplifiers(rng, caplog):
    caplog.set_level(logging.INFO)
    ramp = miri(rng)
    step = RefPixStep(odd_even_rows=False, siglimit=2.0, refpix_algorithm="sirs")
    step.check(ramp.meta, NOTHING)
    assert step.wanted_references(ramp.meta) == ()
    out = step.apply(ramp, NOTHING)
    expected = correct_interleaved_amplifiers(ramp.data, ramp.pixeldq, odd_even_rows=False, siglimit=2.0)
    np.testing.assert_array_equal(out.data, expected)
    assert out.pixeldq is ramp.pixeldq
    assert caplog.messages == [WITHOUT_SIRS]


def test_subarrays_of_miri_are_skipped(rng):
    with pytest.raises(Skip, match="SUBARRAY is SUB64"):
        RefPixStep().apply(miri(rng, window=(1, 779, 72, 64), name="SUB64"), NOTHING)


def test_parameters_of_jwst_have_the_defaults_of_jwst():
    assert RefPixStep().get_pars(full_spec=False) == {
        "odd_even_columns": True,
        "use_side_ref_pixels": True,
        "side_smoothing_length": 11,
        "side_gain": 1.0,
        "odd_even_rows": True,
        "ovr_corr_mitigation_ftr": 3.0,
        "preserve_irs2_refpix": False,
        "irs2_mean_subtraction": False,
        "refpix_algorithm": "median",
        "sigreject": 4.0,
        "gaussmooth": 1.0,
        "halfwidth": 30,
        "siglimit": 3.0,
    }


def test_crds_is_not_asked_for_references_of_other_modes():
    """As in jwst: the headers of traditional readout have no R_REFPIX and R_SIRSKL. Both can be overridden."""
    step = RefPixStep(override_sirskernel="mine.asdf")
    assert not step.wanted_references(header().meta)
    assert step.override_sirskernel == "mine.asdf"


FULL = {"window": (1, 1, 2048, 2048), "name": "FULL", "noutputs": 4}


class Kernels:
    """A sirskernel reference with coefficients for NRCA1."""

    name = "kernels.asdf"

    def __init__(self, coefficients):
        self.arrays = {"nrca1.gamma": coefficients, "nrca1.zeta": 0.5 * coefficients}

    def has(self, array):
        return array in self.arrays

    def read(self, array):
        return self.arrays[array]

    def shape(self, array):
        return self.arrays[array].shape


def full_frame(detector):
    model = header(**FULL)
    model.meta.instrument.detector = detector
    rng = np.random.default_rng(3)
    data = rng.normal(20, 5, (1, 1, 2048, 2048)).astype(np.float32)
    pixeldq = np.zeros((2048, 2048), np.uint32)
    return Ramp(model, gpipe.backends.get("numpy"), data=data, groupdq=np.zeros(data.shape, np.uint8), pixeldq=pixeldq)


def test_sirs_asks_for_its_kernels_for_full_frames_only():
    step = RefPixStep(refpix_algorithm="sirs")
    assert step.wanted_references(header(**FULL).meta) == ("sirskernel",)
    assert not step.wanted_references(header().meta)
    irs2 = header(**FULL)
    irs2.meta.exposure.readpatt = "NRSIRS2RAPID"
    assert "sirskernel" not in step.wanted_references(irs2.meta)


def test_parameters_reach_the_function_of_sirs(rng):
    coefficients = rng.normal(size=(4, 33)) + 1j * rng.normal(size=(4, 33))
    ramp, kernels = full_frame("NRCA1"), Kernels(coefficients)
    given = {"sigreject": 2.5, "gaussmooth": 0.7, "halfwidth": 5}
    step = RefPixStep(refpix_algorithm="sirs", odd_even_columns=False, **given)
    references = References({"sirskernel": kernels})
    step.check(ramp.meta, references)
    taps = convolution_kernels(np.stack([coefficients, 0.5 * coefficients]), gaussmooth=0.7, halfwidth=5)
    expected = correct_four_amplifiers(
        ramp.data,
        ramp.pixeldq,
        Orientation(-1, 2),
        DriftSettings(odd_even_columns=False, side_kernels=taps, sigreject=2.5),
    )
    np.testing.assert_array_equal(step.apply(ramp, references).data, expected)


@pytest.mark.parametrize(("detector", "kernels"), [("NRCA2", Kernels(np.ones((4, 9), complex))), ("NRCA1", None)])
def test_without_kernels_the_median_runs(detector, kernels, caplog):
    ramp = full_frame(detector)
    out = RefPixStep(refpix_algorithm="sirs").apply(ramp, References({"sirskernel": kernels}))
    np.testing.assert_array_equal(out.data, correct_four_amplifiers(ramp.data, ramp.pixeldq, Orientation(-1, 2)))
    assert f"No SIRS kernels for {detector}" in caplog.text


@pytest.mark.parametrize("noutputs", [1, 4])
def test_subarrays_do_without_sirs(rng, noutputs, caplog):
    caplog.set_level(logging.INFO)
    ramp = exposure(rng, noutputs=noutputs, window=(1, 1, 2048, 16), name="SUBGRISM64")
    np.testing.assert_array_equal(
        RefPixStep(refpix_algorithm="sirs").apply(ramp, NOTHING).data, RefPixStep().apply(ramp, NOTHING).data
    )
    assert caplog.messages == [WITHOUT_SIRS]


@pytest.mark.parametrize("shape", [(3, 9), (4,), (4, 1)])
def test_kernels_that_are_none_are_refused(shape):
    meta = header(**FULL).meta
    meta.instrument.detector = "NRCA1"
    references = References({"sirskernel": Kernels(np.ones(shape, complex))})
    with pytest.raises(ReferenceFileError, match=r"kernels.asdf: found nrca1.gamma of shape .*expected 4 series"):
        RefPixStep(refpix_algorithm="sirs").check(meta, references)


def in_the_middle(rng, axes):
    """A subarray that reaches no edge, with odd and even columns that differ, and dark rows that a user has flagged."""
    ramp = exposure(rng, window=(600, 1000, 40, 36), name="SUB160", axes=axes)
    ramp.pixeldq[...] = 0
    ramp.pixeldq[14:18] = dq.REFERENCE_PIXEL
    ramp.data[..., ::2] += 300
    return ramp


@pytest.mark.parametrize("axes", [(1, 2), (-1, -2), (2, 1), (-2, -1)])
@pytest.mark.parametrize("samples", [1, 1 << 21])
def test_dark_rows_in_the_middle_take_part_in_chunks_and_as_a_whole(rng, axes, samples, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(chunk_size, "CHUNK_SAMPLES", samples)
    monkeypatch.setattr(chunk_size, "FEWEST_SAMPLES", samples)
    ramp = in_the_middle(rng, axes)
    zeroframe = ramp.data[:, 1]
    out = RefPixStep().run(replace(ramp, zeroframe=zeroframe))
    at = Orientation.of_window(*axes, xstart=600, ystart=1000, xsize=40, ysize=36)
    expected = correct_single_amplifier(ramp.data, ramp.pixeldq, at)
    np.testing.assert_allclose(out.data, expected, atol=1e-4)
    np.testing.assert_allclose(out.zeroframe, expected[:, 1], atol=1e-4)
    kind = np.s_[..., 14:18, ::2] if abs(axes[0]) == 1 else np.s_[..., 14:18:2, :]
    assert abs(out.data[kind].mean()) < 1
    assert ": 128 reference pixels away from the edges" in caplog.text


def test_reference_pixels_at_the_edges_need_no_second_pass(rng, caplog):
    caplog.set_level(logging.INFO)
    RefPixStep().run(exposure(rng))
    assert "Repeating" not in caplog.text
    assert "reference pixels away" not in caplog.text
