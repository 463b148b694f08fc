"""Interference of MIRI against jwst 3.0.0, live: the code behind its step, and the step itself, on the same models.

Compared: ramps to the tolerances of the design, and what was subtracted from them: in 99.9 % of the pixels to 0.02 DN
of an interference of 8 DN. The rest is pixels that are read exactly at the edge of a bin of phase, which jwst puts to
one side or the other by rounding. Also waves that jwst saves, references that gpipe saves, and which exposures are
skipped.
"""

import logging

import numpy as np
import pytest
from helpers.comparison import compare_flags, compare_science
from helpers.early_steps import apply, ramp_model
from helpers.emi_exposures import exposure, wave

from gpipe.controller import Produced, Skip
from gpipe.emicorr import EmiCorrStep

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

WAVES = {"Hz390": (390.625, 64), "Hz218": (218.52055, 128), "Hz10": (10.039216, 120)}

CASES = {
    "SUB64": {"shape": (3, 10, 64, 72), "case": "SUB64"},
    "SLITLESSPRISM": {"shape": (2, 12, 104, 72), "case": "SLITLESSPRISM"},
    "MASK1550, no resets": {"shape": (2, 10, 60, 288), "case": "MASK1550", "resets": False},
    "FULL fast": {"shape": (1, 11, 32, 516), "case": "FULL_FAST"},
    "FULL slow": {"shape": (2, 10, 24, 516), "case": "FULL_SLOW", "slow": True},
}
READPATT = {(False, True): "FASTR1", (False, False): "FAST", (True, True): "SLOWR1", (True, False): "SLOW"}


SUBARRAYS = {name: case for name, case in CASES.items() if not name.startswith("FULL")}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    return request.param


def seen_in(case):
    """The name of a wave that all groups do not show at the same phase: a frame of 32 rows has 61 cycles of 390 Hz."""
    return "Hz218" if case["case"].startswith("FULL") else "Hz390"


def made(case, seed=1, **changes):
    """An exposure with interference, and its model."""
    it = exposure(**case, frequency=WAVES[seen_in(case)][0], seed=seed, **changes)
    resets, slow = case.get("resets", True), case.get("slow", False)
    model = ramp_model(
        it.data.copy(),
        pixeldq=it.pixeldq.copy(),
        corner=(1, 1),
        detector="MIRIMAGE",
        readpatt=READPATT[slow, resets],
        nsamples=it.readout.samples,
        type="MIR_IMAGE",
    )
    model.meta.subarray.name = case["case"].partition("_")[0]
    model.meta.subarray.fastaxis, model.meta.subarray.slowaxis = 1, 2
    model.meta.filename = "jw1_uncal.fits"
    model.meta.observation.date, model.meta.observation.time = "2024-01-01", "00:00:00"
    return it, model


def emi_model(case, *names, samples=None):
    from stdatamodels.jwst.datamodels import EmiModel

    it = exposure(**case | {"shape": (1, 1, 4, 16)}, frequency=100.0)
    model = EmiModel()
    model.frequencies = {
        name: {"frequency": WAVES[name][0], "phase_amplitudes": wave(samples or WAVES[name][1])} for name in names
    }
    freqs = {"FAST": list(names), "SLOW": {"MIRIMAGE": list(names)}}
    clocks = it.readout.clocks
    model.subarray_cases = {case["case"]: {"rowclocks": clocks.row, "frameclocks": clocks.frame, "freqs": freqs}}
    model.meta.reftype, model.meta.author, model.meta.description = "emicorr", "gpipe", "test"
    model.meta.pedigree, model.meta.useafter = "DUMMY", "2020-01-01T00:00:00"
    return model


def theirs(model, reference, **parameters):
    emicorr = pytest.importorskip("jwst.emicorr.emicorr")
    return emicorr.apply_emicorr(model.copy(), reference, **parameters)


def ours(model, reference, **parameters):
    produced = apply(EmiCorrStep(**parameters), model, emicorr=reference)
    assert isinstance(produced, Produced)
    return produced.results[0]


def check(agree, it, found, expected):
    agree(
        [
            compare_science("SCI", found.data, expected.data),
            compare_flags("PIXELDQ", found.pixeldq, expected.pixeldq),
            compare_flags("GROUPDQ", found.groupdq, expected.groupdq),
        ]
    )
    assert np.mean(np.abs(found.data - expected.data) > 0.02) < 1e-3
    assert np.std(it.data - expected.data) > 0.5  # jwst did correct it


# --- joint ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "fit_ints_separately"), [(1, False), (2, False), (1, True)])
def test_joint(agree, case, seed, fit_ints_separately):
    it, model = made(case, seed=seed)
    reference = emi_model(case, seen_in(case))
    parameters = {"algorithm": "joint", "fit_ints_separately": fit_ints_separately}
    check(agree, it, ours(model, reference, **parameters), theirs(model, reference, **parameters))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("case", SUBARRAYS.values(), ids=SUBARRAYS)
def test_joint_with_several_frequencies(agree, case, seed):
    it, model = made(case, seed=seed)
    reference = emi_model(case, "Hz390", "Hz10")
    check(agree, it, ours(model, reference), theirs(model, reference, algorithm="joint"))


@pytest.mark.parametrize(("groups", "samples"), [(3, 128), (4, 7), (10, 500), (25, 33)])
def test_joint_with_any_number_of_groups_and_samples(agree, groups, samples):
    case = CASES["SUB64"] | {"shape": (2, groups, 64, 72)}
    it, model = made(case)
    reference = emi_model(case, "Hz390", samples=samples)
    check(agree, it, ours(model, reference), theirs(model, reference, algorithm="joint"))


def test_joint_refines_phases_at_the_end_of_the_cycle_where_jwst_goes_astray():
    """jwst puts a parabola through phases 0.998, 0 and 0.002 as if they were far apart."""
    case = CASES["SUB64"] | {"shape": (1, 10, 64, 72)}
    it, model = made(case, phase=0.0, noise=0.1, rate=1.0)
    reference = emi_model(case, "Hz390")
    assert np.std(ours(model, reference).data - it.clean) < 0.2
    assert np.std(theirs(model, reference, algorithm="joint").data - it.clean) > 1


# --- sequential -----------------------------------------------------------------------------------------------------

SETTINGS = {
    "default": {},
    "unscaled": {"scale_reference": False},
    "bins": {"nbins": 60},
    "two integrations": {"nints_to_phase": 2},
    "all integrations": {"use_n_cycles": None},
    "many cycles": {"use_n_cycles": 30000},
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_sequential(agree, settings, seed):
    it, model = made(CASES["SUB64"], seed=seed)
    reference = emi_model(CASES["SUB64"], "Hz390")
    parameters = {"algorithm": "sequential"} | settings
    check(agree, it, ours(model, reference, **parameters), theirs(model, reference, **parameters))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("more", [(), ("Hz10",)])
def test_sequential_with_references(agree, case, more, seed):
    it, model = made(case, seed=seed)
    reference, parameters = emi_model(case, seen_in(case), *more), {"algorithm": "sequential"}
    check(agree, it, ours(model, reference, **parameters), theirs(model, reference, **parameters))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("nbins", [None, 40])
def test_frequencies_on_the_fly(agree, case, nbins, seed):
    it, model = made(case, seed=seed)
    parameters = {"onthefly_corr_freq": [WAVES[seen_in(case)][0]], "nbins": nbins}
    check(agree, it, ours(model, None, **parameters), theirs(model, None, **parameters))


def test_the_last_reference_pixels_of_full_frames_have_a_phase_where_jwst_takes_an_arbitrary_one():
    """It reads them 2^32 clocks late, not three; the wave that it finds has them in it, too."""
    it, model = made({"shape": (1, 11, 32, 1032), "case": "FULL_FAST"})
    parameters = {"onthefly_corr_freq": [WAVES["Hz218"][0]]}
    found, expected = ours(model, None, **parameters).data, theirs(model, None, **parameters).data
    assert np.mean(np.abs(found - expected)[..., :-4] > 0.2) < 1e-3
    assert np.std((found - it.clean)[..., -4:]) < 0.5 * np.std((expected - it.clean)[..., -4:])


def test_any_number_of_samples_where_jwst_crashes_on_some():
    """228 bins brought to 100 samples are 101 in jwst, by rounding."""
    _, model = made(CASES["SUB64"])
    reference = emi_model(CASES["SUB64"], "Hz390", samples=100)
    parameters = {"algorithm": "sequential", "nbins": 228}
    with pytest.raises(ValueError, match="dimensions"):
        theirs(model, reference, **parameters)
    assert np.isfinite(ours(model, reference, **parameters).data).all()


@pytest.mark.parametrize("scale_reference", [True, False])
def test_empty_bins_leave_the_data_as_they_are(scale_reference):
    """Unscaled, jwst subtracts the reference at an arbitrary phase then."""
    _, model = made(CASES["SUB64"])
    reference = emi_model(CASES["SUB64"], "Hz390")
    parameters = {"algorithm": "sequential", "nbins": 500, "scale_reference": scale_reference}
    np.testing.assert_array_equal(ours(model, reference, **parameters).data, model.data)
    changed = not np.array_equal(theirs(model, reference, **parameters).data, model.data)
    assert changed is not scale_reference


# --- saved references -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", SUBARRAYS.values(), ids=SUBARRAYS)
def test_saved_waves(tmp_path, case):
    from stdatamodels.jwst.datamodels import EmiModel

    _, model = made(case)
    frequencies = [390.625, 218.3]
    theirs(model, None, onthefly_corr_freq=frequencies, save_onthefly_reffile=str(tmp_path / "theirs.asdf"))
    step = EmiCorrStep(onthefly_corr_freq=frequencies, save_intermediate_results=True)
    (product,) = apply(step, model, emicorr=None).side_products
    product.model.save(tmp_path / "ours.asdf")
    with EmiModel(tmp_path / "ours.asdf") as found, EmiModel(tmp_path / "theirs.asdf") as expected:
        waves, expected_waves = found.instance["frequencies"], expected.instance["frequencies"]
        assert list(waves) == list(expected_waves)
        for name, entry in waves.items():
            assert entry["frequency"] == expected_waves[name]["frequency"]
            difference = np.abs(entry["phase_amplitudes"] - expected_waves[name]["phase_amplitudes"])
            assert np.mean(difference > 0.02) < 0.05


def test_jwst_can_use_what_gpipe_saves_but_not_what_it_saves_itself(tmp_path):
    """It writes FASTR1 where it looks for FAST."""
    from stdatamodels.jwst.datamodels import EmiModel

    it, model = made(CASES["SUB64"])
    step = EmiCorrStep(onthefly_corr_freq=[390.625], save_intermediate_results=True)
    (product,) = apply(step, model, emicorr=None).side_products
    product.model.save(tmp_path / "ours.asdf")
    theirs(model, None, onthefly_corr_freq=[390.625], save_onthefly_reffile=str(tmp_path / "theirs.asdf"))
    with EmiModel(tmp_path / "ours.asdf") as found, EmiModel(tmp_path / "theirs.asdf") as own:
        assert theirs(model, own, algorithm="sequential") is None
        corrected = theirs(model, found, algorithm="sequential").data
        again = ours(model, found, algorithm="sequential").data
    np.testing.assert_allclose(again, corrected, atol=0.02)
    assert np.std(it.data - corrected) > 4


# --- the step -------------------------------------------------------------------------------------------------------


def jwst_step(model, **parameters):
    step = pytest.importorskip("jwst.emicorr").EmiCorrStep()
    for name, value in parameters.items():
        assert hasattr(step, name)
        setattr(step, name, value)
    return step.process(model.copy())


def test_whole_step(agree, tmp_path):
    it, model = made(CASES["SUB64"])
    emi_model(CASES["SUB64"], "Hz390", "Hz10").save(tmp_path / "emi.asdf")
    parameters = {"override_emicorr": str(tmp_path / "emi.asdf")}
    expected = jwst_step(model, **parameters)
    found = EmiCorrStep.call(model, skip=False, configure_log=False, **parameters)
    check(agree, it, found, expected)
    assert found.meta.cal_step.emicorr == expected.meta.cal_step.emicorr == "COMPLETE"


SKIPPED = {
    "read pattern": {"readpatt": "FASTGRPAVG"},
    "instrument": {"instrument": "NIRISS"},
    "subarray": {"subarray": "BRIGHTSKY"},
    "two groups": {"shape": (1, 2, 64, 72)},
}


@pytest.mark.parametrize("changes", SKIPPED.values(), ids=SKIPPED)
def test_the_same_exposures_are_skipped(tmp_path, changes):
    case = CASES["SUB64"] | {"shape": changes.get("shape", (1, 3, 64, 72))}
    _, model = made(case)
    model.meta.exposure.readpatt = changes.get("readpatt", "FASTR1")
    model.meta.subarray.name = changes.get("subarray", "SUB64")
    model.meta.instrument.name = changes.get("instrument", "MIRI")
    reference = emi_model(case, "Hz390")
    reference.save(tmp_path / "emi.asdf")
    given = {"override_emicorr": str(tmp_path / "emi.asdf")}
    expected = jwst_step(model, **given)
    found = EmiCorrStep.call(model, skip=False, configure_log=False, **given)
    assert found.meta.cal_step.emicorr == expected.meta.cal_step.emicorr == "SKIPPED"


def test_three_groups_are_skipped_by_the_sequential_algorithm_where_jwst_does_nothing(caplog):
    case = CASES["SUB64"] | {"shape": (1, 3, 64, 72)}
    _, model = made(case)
    reference = emi_model(case, "Hz390")
    expected = theirs(model, reference, algorithm="sequential")
    np.testing.assert_array_equal(expected.data, model.data)
    with caplog.at_level(logging.WARNING, logger="gpipe"), pytest.raises(Skip, match="expected 4 or more"):
        apply(EmiCorrStep(algorithm="sequential"), model, emicorr=reference)
