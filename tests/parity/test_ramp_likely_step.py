"""RampFitStep with algorithm LIKELY of gpipe and of jwst on the same simulated ramps, and the pipelines as a whole.

Compared: SCI, DQ, ERR, VAR_POISSON and VAR_RNOISE of rate and rateints, and the optional chi-square product. Left out
are the pixels whose gain is not positive: gpipe flags them as it does with OLS_C, jwst only here does not.
"""

import numpy as np
import pytest
from helpers.comparison import compare_flags, compare_science, compare_values, compare_variance

from gpipe.pipeline import Detector1Pipeline
from gpipe.ramp_fitting import RampFitStep
from gpipe.simulate import ExposureConfig, NoiseEffects, Scene

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
NO_GAIN_VALUE = 1 << 19
STEADY = NoiseEffects(one_over_f=0.1, amplifier_drift=0.3, odd_even_drift=0.1)
SCENE = Scene(background=300, density=1e-3, brightest=3e5)
SUBARRAYS = {
    "rapid-many-ints": {
        "readpatt": "RAPID",
        "subarray": "SUB64P",
        "ngroups": 8,
        "nints": 12,
        "exp_type": "NRC_TSIMAGE",
    },
    "bright2-zeroframe": {"readpatt": "BRIGHT2", "subarray": "SUB160", "ngroups": 6, "nints": 2, "zero_frame": True},
}


def compare(prefix, ours, theirs, unknown):
    """All planes where the gain is known; arrays of pixels (…, pixel)."""

    def known(plane):
        return plane[..., ~unknown]

    error = known(theirs.err)
    return [
        compare_science(f"{prefix} SCI", known(ours.data), known(theirs.data), error),
        compare_flags(f"{prefix} DQ", known(ours.dq), known(theirs.dq)),
        compare_science(f"{prefix} ERR", known(ours.err), error),
        compare_variance(f"{prefix} VAR_POISSON", known(ours.var_poisson), known(theirs.var_poisson)),
        compare_variance(f"{prefix} VAR_RNOISE", known(ours.var_rnoise), known(theirs.var_rnoise)),
    ]


def compare_products(ours, theirs):
    unknown = (ours[0].dq & NO_GAIN_VALUE) != 0
    assert np.isnan(ours[0].data[unknown]).all()
    assert np.mean(unknown) < 0.01
    pairs = zip(("rate", "rateints"), ours, theirs, strict=True)
    return [agreement for name, one, other in pairs for agreement in compare(name, one, other, unknown)]


def linear_ramp(exposure):
    """What gpipe has before the jump step."""
    steps = {"jump": {"skip": True}, "ramp_fit": {"skip": True}}
    return Detector1Pipeline.call(exposure.path, steps=steps, configure_log=False)


@pytest.mark.parametrize("read_times", [False, True])
@pytest.mark.parametrize("kind", SUBARRAYS)
def test_subarrays(kind, read_times, exposure_and_cache, agree, tmp_path):
    jwst_step = pytest.importorskip("jwst.ramp_fitting").RampFitStep
    from stdatamodels.jwst import datamodels

    config = ExposureConfig(**SUBARRAYS[kind], detector="NRCALONG", scene=SCENE, noise=STEADY, seed=21)
    ramp = linear_ramp(exposure_and_cache(config))
    if read_times:
        pattern = ramp.meta.exposure
        frames, skipped, time = pattern.nframes, pattern.groupgap, pattern.frame_time
        ramp.meta.exposure.read_times = [
            [time * (g * (frames + skipped) + r + 1) for r in range(frames)] for g in range(config.ngroups)
        ]
    ramp.save("mine_jump.fits")
    how = {"save_opt": True} | ({} if read_times else {"algorithm": "LIKELY"})
    ours = RampFitStep.call("mine_jump.fits", output_dir="ours", configure_log=False, **how)
    theirs = jwst_step.call("mine_jump.fits", output_dir="theirs", **how)
    agreements = compare_products(ours, theirs)
    (product,) = (tmp_path / "theirs").iterdir()
    with datamodels.open(tmp_path / "ours" / product.name) as mine, datamodels.open(product) as other:
        assert type(mine) is type(other)
        unknown = (ours[0].dq & NO_GAIN_VALUE) != 0
        chi = [x.data[~unknown] for x in (mine, other)]
        agreements.append(compare_values("chi-square", *chi, np.maximum(chi[1], 1), 1e-3))
    agree(agreements)


@pytest.mark.thorough
def test_full_frame(exposure_and_cache, agree):
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    config = ExposureConfig(detector="NRCA1", readpatt="SHALLOW4", ngroups=8, seed=22)
    path = exposure_and_cache(config).path
    steps = {"jump": {"skip": True}, "ramp_fit": {"algorithm": "LIKELY"}}
    ours = Detector1Pipeline.call(path, steps=steps, configure_log=False, save_results=True, output_dir="ours")
    theirs = jwst_pipeline.Detector1Pipeline.call(str(path), steps=steps, save_results=True, output_dir="theirs")
    agree([a for a in compare_products([ours, ours], [theirs, theirs]) if a.plane.startswith("rate ")])
