import logging

import numpy as np
import pytest
from helpers.emi_exposures import exposure, wave
from stdatamodels.jwst.datamodels import EmiModel, RampModel

import gpipe.backends
from gpipe.controller import References, Skip
from gpipe.datamodels import Ramp, Reference
from gpipe.emicorr import EmiCorrStep
from gpipe.emicorr.sequential import Cleaned
from gpipe.exceptions import InputError, ParameterError, ReferenceFileError

SHAPE = (2, 12, 16, 72)
FREQUENCY = 390.625


def header(shape=SHAPE, *, instrument="MIRI", subarray="SUB64", readpatt="FASTR1", nsamples=1):
    model = RampModel()
    meta = model.meta
    meta.filename = "jw1_uncal.fits"
    meta.instrument.name, meta.instrument.detector = instrument, "MIRIMAGE"
    meta.exposure.instance.update(readpatt=readpatt, nsamples=nsamples, nints=shape[0], ngroups=shape[1])
    meta.exposure.instance.update(type="MIR_IMAGE", nframes=1, groupgap=0, frame_time=0.1, group_time=0.1)
    meta.subarray.name, meta.subarray.xstart, meta.subarray.ystart = subarray, 1, 1
    meta.subarray.ysize, meta.subarray.xsize = shape[2:]
    meta.subarray.fastaxis, meta.subarray.slowaxis = 1, 2
    meta.cal_step.dq_init = "COMPLETE"
    return model


def emi_model(**frequencies):
    """Of SUB64; the waves by name, as (frequency, samples)."""
    model = EmiModel()
    model.frequencies = {
        name: {"frequency": frequency, "phase_amplitudes": samples}
        for name, (frequency, samples) in frequencies.items()
    }
    fast = {"rowclocks": 28, "frameclocks": 8512, "freqs": {"FAST": list(frequencies)}}
    model.subarray_cases = {"SUB64": fast}
    model.meta.reftype, model.meta.author, model.meta.description = "emicorr", "a", "b"
    model.meta.pedigree, model.meta.useafter = "DUMMY", "2024-01-01T00:00:00"
    return model


def reference(samples=64):
    return emi_model(Hz390=(FREQUENCY, wave(samples)))


def ramp(shape=SHAPE, it=None, **described):
    it = it or exposure(shape, FREQUENCY)
    return Ramp(
        header(shape, **described),
        gpipe.backends.get("numpy"),
        data=it.data,
        groupdq=np.zeros(shape, np.uint8),
        pixeldq=it.pixeldq,
    )


def apply(it=None, given=None, **parameters):
    references = References({"emicorr": Reference("emicorr", given or reference())})
    return EmiCorrStep(**parameters).apply(it or ramp(), references)


def data_of(produced):
    return produced.results[0].data


def test_parameters_are_those_of_jwst():
    step = EmiCorrStep()
    assert {name: getattr(step, name) for name in step.get_pars(full_spec=False)} == {
        "algorithm": "joint",
        "nints_to_phase": None,
        "nbins": None,
        "scale_reference": True,
        "onthefly_corr_freq": None,
        "use_n_cycles": 3,
        "fit_ints_separately": False,
        "user_supplied_reffile": None,
        "save_intermediate_results": False,
    }
    assert step.skip


@pytest.mark.parametrize(("algorithm", "left"), [("joint", 0.3), ("sequential", 1.6)])
def test_interference_goes(algorithm, left):
    it = exposure((2, 12, 64, 72), FREQUENCY)
    out = data_of(apply(ramp(it.data.shape, it), algorithm=algorithm))
    assert np.std(it.data - it.clean) > 5
    assert np.std(out - it.clean) < left


def test_the_ramp_keeps_everything_else():
    it = ramp()
    out = apply(it).results[0]
    assert out.groupdq is it.groupdq
    assert out.pixeldq is it.pixeldq
    assert out.data is not it.data


@pytest.mark.parametrize("algorithm", ["joint", "sequential"])
def test_frequencies_are_corrected_one_after_the_other(algorithm):
    two = emi_model(Hz390=(FREQUENCY, wave(64)), Hz218=(218.52, wave(50)))
    parameters = {"algorithm": algorithm, "nbins": 30}
    at_once = data_of(apply(given=two, **parameters))
    first = data_of(apply(**parameters))
    second = data_of(apply(ramp(it=_with(first)), emi_model(Hz218=(218.52, wave(50))), **parameters))
    np.testing.assert_array_equal(at_once, second)
    assert not np.array_equal(at_once, first)


def _with(data):
    it = exposure(SHAPE, FREQUENCY)
    it.data[...] = data
    return it


@pytest.mark.parametrize(
    ("algorithm", "parameters"),
    [
        ("joint", {"fit_ints_separately": True}),
        ("sequential", {"nints_to_phase": 2}),
        ("sequential", {"nbins": 20}),
        ("sequential", {"scale_reference": False}),
        ("sequential", {"use_n_cycles": None}),
    ],
)
def test_parameters_reach_the_algorithm(algorithm, parameters):
    usual, changed = apply(algorithm=algorithm), apply(algorithm=algorithm, **parameters)
    assert not np.array_equal(data_of(usual), data_of(changed))


def test_readout_is_that_of_the_exposure(monkeypatch):
    seen = {}

    def fit(data, *arrays, readout, **options):
        seen[readout] = options
        return data

    monkeypatch.setattr("gpipe.emicorr.waves_exposure.subtract_fitted_wave", fit)
    apply(ramp(readpatt="FAST"))
    apply(ramp(readpatt="FASTR1", nsamples=9))
    one, other = seen
    assert (one.samples, one.resets, one.clocks.row, one.shape) == (1, False, 28, SHAPE)
    assert (other.samples, other.resets) == (9, True)
    assert seen[one] == {"period": 256.0, "separately": False}


@pytest.mark.parametrize(("algorithm", "late"), [("joint", False), ("sequential", True)])
def test_late_reference_pixels_count_in_full_frames(monkeypatch, algorithm, late):
    seen = []

    def subtract(data, *arrays, readout, **options):
        seen.append(readout)
        return Cleaned(data, np.zeros(3))

    monkeypatch.setattr("gpipe.emicorr.waves_exposure.subtract_fitted_wave", subtract)
    monkeypatch.setattr("gpipe.emicorr.waves_exposure.subtract_found_wave", subtract)
    shape = (1, 5, 8, 1032)
    full = emi_model(Hz10=(10.04, wave(30)))
    full.subarray_cases = {"FULL_FAST": full.instance["subarray_cases"]["SUB64"]}
    it = ramp(shape, exposure(shape, FREQUENCY), subarray="FULL")
    EmiCorrStep(algorithm=algorithm).apply(it, References({"emicorr": Reference("emicorr", full)}))
    assert [readout.late_column for readout in seen] == [late]


# --- without a reference of CRDS ------------------------------------------------------------------------------------


def test_frequencies_of_a_user_are_corrected_sequentially(caplog):
    step = EmiCorrStep(onthefly_corr_freq=[FREQUENCY])
    it = ramp((2, 12, 64, 72))
    assert step.wanted_references(it.meta) == ()
    with caplog.at_level(logging.WARNING, logger="gpipe"):
        produced = step.apply(it, References({}))
    assert "'joint' needs a reference; 'sequential' is used" in caplog.text
    assert produced.side_products == ()
    assert np.std(data_of(produced) - it.data) > 4


def test_save_intermediate_results_saves_a_reference_that_can_be_used(tmp_path):
    it = ramp((2, 12, 64, 72))
    found = EmiCorrStep(onthefly_corr_freq=[FREQUENCY], save_intermediate_results=True).apply(it, References({}))
    (product,) = found.side_products
    assert (product.suffix, product.output_ext) == ("emi_ref_waves", ".asdf")
    product.model.save(tmp_path / "waves.asdf")
    again = EmiCorrStep(algorithm="sequential", user_supplied_reffile=tmp_path / "waves.asdf")
    with pytest.warns(DeprecationWarning, match="user_supplied_reffile"):
        out = data_of(again.apply(it, References({})))
    assert np.std(out - data_of(found)) < 0.1 * np.std(out - it.data)


def test_save_intermediate_results_has_nothing_to_save_with_a_reference():
    assert apply(algorithm="sequential", save_intermediate_results=True).side_products == ()


def test_user_supplied_reffile_is_deprecated_and_works(tmp_path, caplog):
    path = tmp_path / "mine.asdf"
    reference().save(path)
    step = EmiCorrStep(user_supplied_reffile=path)
    it = ramp()
    assert step.wanted_references(it.meta) == ()
    step.check(it.meta, References({}))
    with (
        caplog.at_level(logging.WARNING, logger="gpipe"),
        pytest.warns(DeprecationWarning, match="user_supplied_reffile is deprecated"),
    ):
        out = step.apply(it, References({}))
    np.testing.assert_array_equal(data_of(out), data_of(apply(it)))
    assert "override_emicorr" in caplog.text


# --- skips and errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        ({"readpatt": "FASTGRPAVG"}, "found READPATT FASTGRPAVG, expected one of FAST, FASTR1, SLOW, SLOWR1"),
        ({"readpatt": "SLOWR1"}, "no frequencies are known for MIRIMAGE, subarray SUB64, read pattern SLOWR1"),
        ({"subarray": "BRIGHTSKY"}, "no frequencies are known for MIRIMAGE, subarray BRIGHTSKY"),
    ],
)
def test_exposures_without_a_correction_are_skipped(described, reason):
    with pytest.raises(Skip, match=reason):
        apply(ramp(**described))


@pytest.mark.parametrize(("instrument", "wanted"), [("MIRI", True), ("NIRISS", False)])
def test_it_is_for_miri_only(instrument, wanted):
    assert EmiCorrStep().is_for(ramp(instrument=instrument).meta) == wanted


def test_no_reference_is_asked_for_where_there_is_nothing_to_correct():
    it = ramp(readpatt="FASTGRPAVG")
    assert EmiCorrStep().wanted_references(it.meta) == ()
    assert EmiCorrStep().wanted_references(ramp().meta) == ("emicorr",)
    EmiCorrStep().check(it.meta, References({}))


@pytest.mark.parametrize(("algorithm", "groups"), [("joint", 2), ("sequential", 3)])
def test_too_few_groups(algorithm, groups):
    with pytest.raises(Skip, match=f"found {groups} groups, expected {groups + 1} or more for algorithm '{algorithm}'"):
        apply(ramp((1, groups, 16, 72)), algorithm=algorithm)
    assert data_of(apply(ramp((1, groups + 1, 16, 72)), algorithm=algorithm)).shape[1] == groups + 1


def test_few_groups_are_told_for_the_sequential_algorithm(caplog):
    with caplog.at_level(logging.WARNING, logger="gpipe"):
        apply(ramp((1, 9, 16, 72)), algorithm="sequential")
    assert "'sequential' with 9 groups; 'joint' is better below 10" in caplog.text


def test_phases_that_are_not_read_are_told(caplog):
    it = ramp()
    step = EmiCorrStep(onthefly_corr_freq=[2500.0], nbins=90)
    with caplog.at_level(logging.WARNING, logger="gpipe"):
        out = step.apply(it, References({}))
    assert "2500 Hz is not corrected: some phases of it are not read" in caplog.text
    np.testing.assert_array_equal(data_of(out), it.data)


@pytest.mark.parametrize("frequency", [0.0, -10.0, 1e5, float("nan")])
def test_impossible_frequencies_are_refused(frequency):
    with pytest.raises(ParameterError, match=r"onthefly_corr_freq: found .* expected frequencies above 0"):
        EmiCorrStep(onthefly_corr_freq=[frequency]).check(ramp().meta, References({}))


def test_a_reference_without_waves_is_refused_before_pixels_are_read():
    broken = emi_model(Hz390=(FREQUENCY, np.ones(1)))
    with pytest.raises(ReferenceFileError, match="Hz390"):
        EmiCorrStep().check(ramp().meta, References({"emicorr": Reference("emicorr", broken)}))


@pytest.mark.parametrize(
    ("shape", "nsamples", "message"), [(SHAPE, None, "found no NSAMPLES"), ((1, 5, 8, 70), 1, "SUBSIZE1 70")]
)
def test_a_readout_that_is_not_known_is_refused(shape, nsamples, message):
    references = References({"emicorr": Reference("emicorr", reference())})
    with pytest.raises(InputError, match=message):
        EmiCorrStep().check(header(shape, nsamples=nsamples).meta, references)


# --- whole runs -----------------------------------------------------------------------------------------------------


def uncalibrated():
    model = header()
    it = exposure(SHAPE, FREQUENCY)
    model.data, model.pixeldq, model.groupdq = it.data, it.pixeldq, np.zeros(SHAPE, np.uint8)
    return model


def test_a_run_by_itself(tmp_path):
    path = tmp_path / "override_emi.asdf"
    reference().save(path)
    model = uncalibrated()
    out = EmiCorrStep.call(model, override_emicorr=path, skip=False, configure_log=False)
    np.testing.assert_array_equal(out.data, data_of(apply()))
    assert out.meta.cal_step.emicorr == "COMPLETE"
    assert out.meta.ref_file.emicorr.name == str(path)


def test_a_run_that_saves_its_waves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EmiCorrStep.call(
        uncalibrated(),
        onthefly_corr_freq=[FREQUENCY],
        save_intermediate_results=True,
        skip=False,
        output_dir=tmp_path / "out",
        configure_log=False,
    )
    saved = Reference("emicorr", tmp_path / "out" / "jw1_emi_ref_waves.asdf")
    assert list(saved.model.instance["frequencies"]) == ["390.625"]


def test_a_missing_reference_skips_the_step():
    out = EmiCorrStep.call(uncalibrated(), override_emicorr="N/A", skip=False, configure_log=False)
    assert out.meta.cal_step.emicorr == "SKIPPED"
