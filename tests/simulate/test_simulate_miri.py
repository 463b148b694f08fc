"""MIRI's detectors: how they are read, how they respond, and what the header says."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.simulated import DARKNESS, IDEAL, QUIET, mid_infrared
from stdatamodels.jwst import datamodels

from gpipe.exceptions import ParameterError
from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene, make_exposure, write_exposure
from gpipe.simulate.detectors import DETECTORS
from gpipe.simulate.miri_readout import OUTPUTS, MiriReadout, apart, beside
from gpipe.simulate.pixels import reference_pixels
from gpipe.simulate.response import linearize


def ramps(config):
    model, truth = make_exposure(config)
    with model:
        return np.array(model.data), np.array(model.refout), truth


def test_four_outputs_take_turns_along_a_row_and_the_fifth_is_beside_them():
    config = mid_infrared()
    readout = MiriReadout(config.sca, config.window, OUTPUTS, config.clocks)
    assert readout.shape == (64, 90)
    output = np.broadcast_to(np.repeat(np.arange(5), 18), readout.shape)
    pixels, reference = apart(readout.to_science(output))
    np.testing.assert_array_equal(pixels, np.broadcast_to(np.arange(72) % 4, (64, 72)))
    np.testing.assert_array_equal(reference, 4)


@pytest.mark.parametrize(
    ("readpatt", "subarray", "pixel", "row"), [("FASTR1", "SUB64", 1, 28), ("SLOWR1", "FULL", 9, 2333)]
)
def test_the_four_outputs_read_at_the_same_time(readpatt, subarray, pixel, row):
    config = mid_infrared(readpatt=readpatt, subarray=subarray)
    readout = MiriReadout(config.sca, config.window, OUTPUTS, config.clocks)
    pixels, reference = apart(readout.to_science(readout.times()))
    np.testing.assert_array_equal(pixels[2, :8], 2 * row + pixel * np.repeat([0, 1], 4))
    np.testing.assert_array_equal(pixels[:, ::4], reference)
    lines = np.arange(3 * row).reshape(3, row)
    np.testing.assert_array_equal(readout.samples(lines)[1, :3], row + pixel * np.arange(3))


def test_pixels_and_reference_output_come_apart_as_they_were():
    image = np.arange(24).reshape(2, 12)
    pixels, reference = apart(beside(image, -1))
    np.testing.assert_array_equal(pixels, image)
    np.testing.assert_array_equal(reference, np.full((2, 3), -1))


def test_reference_pixels_are_the_outer_four_columns():
    frame = reference_pixels(DETECTORS["MIRIMAGE"], DETECTORS["MIRIMAGE"].full)
    assert frame.shape == (1024, 1032)
    assert frame[:, [0, 1, 2, 3, -4, -3, -2, -1]].all()
    assert not frame[:, 4:-4].any()


def test_the_reference_output_sees_neither_light_nor_hits():
    data, refout, truth = ramps(mid_infrared(pixels=DetectorEffects(), noise=replace(QUIET, cosmic_rays=3000.0)))
    assert data.shape == (1, 5, 64, 72)
    assert refout.shape == (1, 5, 64, 18)
    np.testing.assert_array_equal(refout, int(DETECTORS["MIRIMAGE"].bias) - 300)
    assert len(truth.cosmic_rays) > 50
    assert truth.cosmic_rays["column"].max() < 72


def test_the_reference_output_shares_noise_with_the_pixels():
    data, refout, _ = ramps(mid_infrared(ngroups=60, scene=DARKNESS, noise=replace(QUIET, one_over_f=5.0)))
    noise = [x[0].astype(float) - x[0].mean(axis=0) for x in (data[..., ::4], data[..., 1::4], refout)]
    correlation = np.corrcoef([x.ravel() for x in noise])
    np.testing.assert_allclose(correlation[np.triu_indices(3, 1)], 0.5, atol=0.1)


def test_drifts_move_outputs_and_their_odd_rows():
    data, _, _ = ramps(mid_infrared(scene=DARKNESS, noise=replace(QUIET, amplifier_drift=90.0, odd_even_drift=40.0)))
    change = data[0, 1].astype(float) - data[0, 0]
    for output in range(4):
        for row in range(2):
            assert np.ptp(change[row::2, output::4]) <= 1
    assert np.ptp(change[0, :4]) > 1
    assert np.abs(change[1, :4] - change[0, :4]).max() > 1


def test_slow_readout_averages_noise():
    noise = replace(QUIET, read_noise=1.0)
    for readpatt, samples in (("FASTR1", 1), ("SLOWR1", 9)):
        config = mid_infrared(readpatt=readpatt, subarray="FULL", ngroups=2, scene=DARKNESS, noise=noise)
        data, _, _ = ramps(config)
        variance = np.diff(data[0].astype(float), axis=0).var() / 2 - 1 / 12
        expected = (config.sca.read_noise / config.sca.gain) ** 2 / samples
        assert variance == pytest.approx(expected, rel=0.02)


def test_the_response_falls_by_a_tenth_at_full_well():
    config = mid_infrared(ngroups=30, scene=Scene(background=1e5, density=0), pixels=replace(IDEAL, nonlinearity=True))
    data, _, truth = ramps(config)
    pixels, lit = truth.pixels, ~truth.pixels.reference
    seconds = config.frame_time * np.arange(1, 31)[:, np.newaxis, np.newaxis]
    signal = np.minimum(truth.rate * seconds, pixels.well / pixels.gain)
    straight = np.stack([linearize(group.astype(np.float32), pixels.coefficients) for group in data[0]])
    np.testing.assert_allclose(straight[:, lit], (pixels.bias + signal)[:, lit], atol=1.6)
    loss = 1 - data[0, -1][lit] / (pixels.bias + signal[-1])[lit]
    assert loss.mean() == pytest.approx(0.1, abs=0.02)
    assert (truth.saturated_from[0][lit] < 30).all()


def test_the_first_integration_has_more_dark_current():
    config = mid_infrared(nints=3, ngroups=4, pixels=replace(IDEAL, dark_scale=1e4), scene=DARKNESS)
    data, _, truth = ramps(config)
    growth = (data[:, -1].astype(float) - data[:, 0])[:, ~truth.pixels.reference].mean(axis=1)
    assert growth[0] / growth[1] == pytest.approx(config.sca.first_dark, rel=0.01)
    assert growth[1] == pytest.approx(growth[2], rel=1e-3)


def test_inter_pixel_capacitance_stays_among_pixels():
    scene = Scene(background=1e5, density=0)
    _, refout, _ = ramps(mid_infrared(scene=scene, pixels=replace(IDEAL, ipc=0.01)))
    np.testing.assert_array_equal(refout, int(DETECTORS["MIRIMAGE"].bias) - 300)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (mid_infrared(), ("MIR_IMAGE", "F770W", None, 1, 1, 0)),
        (mid_infrared(subarray="SLITLESSPRISM"), ("MIR_LRS-SLITLESS", "P750L", None, 1, 1, 0)),
        (mid_infrared(subarray="MASK1140"), ("MIR_4QPM", "F1140C", None, 1, 1, 0)),
        (mid_infrared(subarray="MASKLYOT"), ("MIR_LYOT", "F2300C", None, 1, 1, 0)),
        (mid_infrared(readpatt="FASTGRPAVG"), ("MIR_IMAGE", "F770W", None, 1, 4, 0)),
        (mid_infrared(detector="MIRIFUSHORT", subarray="FULL", ngroups=1), ("MIR_MRS", None, "12", 1, 1, 0)),
        (
            mid_infrared(detector="MIRIFULONG", subarray="FULL", readpatt="SLOWR1", ngroups=1),
            ("MIR_MRS", None, "34", 9, 1, 0),
        ),
    ],
    ids=lambda value: value.subarray + value.readpatt if isinstance(value, ExposureConfig) else "",
)
def test_the_header_tells_mode_and_readout(config, expected, tmp_path):
    with datamodels.open(write_exposure(config, tmp_path).path) as model:
        meta = model.meta
        found = (meta.exposure.type, meta.instrument.filter, meta.instrument.channel, meta.exposure.nsamples)
        assert (*found, meta.exposure.nframes, meta.exposure.groupgap) == expected
        assert meta.exposure.noutputs == 4
        assert meta.exposure.group_time == pytest.approx(config.pattern.nframes * config.frame_time)
        assert (meta.subarray.fastaxis, meta.subarray.slowaxis) == (1, 2)
        assert meta.visit.tsovisit is (config.subarray == "SLITLESSPRISM")
        assert model.refout.dtype == np.uint16
        assert model.refout.shape == (*model.data.shape[:-1], model.data.shape[-1] // 4)


def test_near_infrared_exposures_have_no_reference_output(tmp_path):
    config = ExposureConfig(detector="NIS", readpatt="NISRAPID", subarray="SUB64", ngroups=2)
    with datamodels.open(write_exposure(config, tmp_path).path) as model:
        assert not model.hasattr("refout")


def test_the_same_seed_gives_the_same_file(tmp_path):
    config = mid_infrared(noise=NoiseEffects(showers=50.0), pixels=DetectorEffects(), nints=2)
    first, second = (write_exposure(config, tmp_path / name).path for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"readpatt": "RAPID"}, "READPATT 'RAPID' is not one of MIRI; expected one of FASTR1"),
        ({"detector": "MIRIFULONG"}, "SUBARRAY 'SUB64' is not used on MIRIFULONG"),
        ({"readpatt": "SLOWR1"}, "SLOWR1: MIRI reads subarrays fast only, found SUB64"),
        ({"noutputs": 1}, "noutputs=1: MIRI has 4"),
        ({"noise": NoiseEffects(snowballs=1.0)}, "snowballs and traps"),
        ({"pixels": DetectorEffects(traps=1.0)}, "snowballs and traps"),
        ({"detector": "NIS", "readpatt": "NIS", "noise": NoiseEffects(showers=1.0)}, "only MIRI has them, not NIRISS"),
    ],
)
def test_what_miri_does_not_have_is_refused(wrong, named):
    with pytest.raises(ParameterError, match=named):
        mid_infrared(**wrong)
