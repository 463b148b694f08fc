"""jwst runs Detector1 on simulated exposures, through crds and the simulated cache, and finds the true rates.

This checks the simulator against jwst, not gpipe: if the physics is right, (rate - truth) / error of jwst's own rate
product is normal. Light is bright enough for photon noise to rule, since noise that all pixels of a subarray share
(1/f noise seen by few reference pixels, or by none) shifts faint rates together.
"""

import numpy as np
import pytest
from helpers.miri_parameters import steps

from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene, write_cache, write_exposure

pytest.importorskip("jwst")
pytestmark = [pytest.mark.parity, pytest.mark.thorough, pytest.mark.filterwarnings("ignore")]

STEADY = NoiseEffects(one_over_f=0.1, amplifier_drift=0.3, odd_even_drift=0.1)
SPECTRUM = Scene(background=0.0, density=0.0, spectrum=3000.0, fwhm=12.0)


def field(background: float) -> Scene:
    return Scene(background=background, density=1e-3, brightest=1e3 * background)


EXPOSURES = {
    "nircam": ExposureConfig(
        detector="NRCALONG", readpatt="BRIGHT2", subarray="SUB160", ngroups=8, nints=2, scene=field(100), noise=STEADY
    ),
    "nircam-four-outputs": ExposureConfig(
        detector="NRCBLONG", readpatt="SHALLOW4", subarray="SUBGRISM64", ngroups=6, zero_frame=True, scene=field(50)
    ),
    "nircam-capacitance": ExposureConfig(
        detector="NRCB1",
        readpatt="RAPID",
        subarray="SUB160",
        ngroups=8,
        scene=field(200),
        noise=STEADY,
        pixels=DetectorEffects(ipc=0.005),
    ),
    "niriss": ExposureConfig(
        detector="NIS",
        readpatt="NISRAPID",
        subarray="SUBSTRIP96",
        ngroups=8,
        exp_type="NIS_SOSS",
        scene=field(300),
        noise=STEADY,
    ),
    "nirspec": ExposureConfig(
        detector="NRS1",
        readpatt="NRSRAPID",
        subarray="SUB512",
        ngroups=12,
        nints=3,
        exp_type="NRS_BRIGHTOBJ",
        gain_factor=1.5,
        scene=SPECTRUM,
        noise=STEADY,
    ),
    "fgs": ExposureConfig(
        detector="GUIDER2", readpatt="FGS", subarray="SUB128LL", ngroups=8, scene=field(200), noise=STEADY
    ),
    "miri": ExposureConfig(
        detector="MIRIMAGE",
        readpatt="FASTR1",
        subarray="SLITLESSPRISM",
        ngroups=20,
        nints=3,
        scene=field(1000),
        noise=STEADY,
    ),
    "miri-full": ExposureConfig(detector="MIRIFUSHORT", readpatt="FASTR1", ngroups=8, scene=field(50)),
}
OF_MIRI = ("emicorr", "lastframe", "reset", "rscd")


@pytest.mark.parametrize("name", EXPOSURES)
def test_jwst_finds_the_true_rates(name, tmp_path):
    config = EXPOSURES[name]
    exposure = write_exposure(config, tmp_path)
    with write_cache([config], tmp_path / "crds", full_frame=False).activated():
        from jwst.pipeline import Detector1Pipeline

        rate = Detector1Pipeline.call(str(exposure.path), configure_log=False, steps=steps(config))
    status = rate.meta.cal_step.instance
    miri = config.sca.instrument == "MIRI"
    ran = ["dq_init", "saturation", "linearity", "dark_sub", "jump", "ramp_fit", *(OF_MIRI if miri else ["superbias"])]
    assert [status[step] for step in ran] == ["COMPLETE"] * len(ran)
    assert status["gain_scale"] == ("COMPLETE" if config.gain_factor else "SKIPPED")
    assert status["ipc"] == ("COMPLETE" if config.pixels.ipc else "SKIPPED")
    assert status["refpix"] == ("SKIPPED" if miri and config.subarray != "FULL" else "COMPLETE")
    truth = exposure.truth
    good = (rate.dq == 0) & (truth.rate > truth.rate.max() / 1e6) & ~truth.pixels.reference
    assert good.sum() > 0.85 * (truth.rate > 0).sum()
    pull = ((rate.data - truth.rate) / rate.err)[good]
    assert abs(np.median(pull)) < 0.05
    assert 0.95 < 1.4826 * np.median(np.abs(pull - np.median(pull))) < 1.10
