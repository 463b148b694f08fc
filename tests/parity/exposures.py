"""The exposures of the parity tests: instruments, read patterns and subarrays, two seeds each."""

from dataclasses import replace

import pytest

from gpipe.simulate import ExposureConfig, NoiseEffects, Scene

# Noise that all pixels of a small subarray share moves its rates together; light rules it out of the pulls.
STEADY = NoiseEffects(one_over_f=0.1, amplifier_drift=0.3, odd_even_drift=0.1)


def field(background):
    return Scene(background=background, density=1e-3, brightest=1e3 * background)


KINDS = {
    "nircam-a-full-shallow4": {"detector": "NRCA1", "readpatt": "SHALLOW4", "ngroups": 6},
    "nircam-blong-full-medium8": {"detector": "NRCBLONG", "readpatt": "MEDIUM8", "ngroups": 5, "zero_frame": True},
    "nircam-sub64p-many-ints": {
        "detector": "NRCALONG",
        "readpatt": "RAPID",
        "subarray": "SUB64P",
        "ngroups": 7,
        "nints": 60,
        "exp_type": "NRC_TSIMAGE",
        "scene": field(2000),
        "noise": STEADY,
    },
    "niriss-substrip256": {
        "detector": "NIS",
        "readpatt": "NISRAPID",
        "subarray": "SUBSTRIP256",
        "ngroups": 7,
        "nints": 8,
        "exp_type": "NIS_SOSS",
        "scene": field(300),
        "noise": STEADY,
    },
    "nirspec-full-nrs": {"detector": "NRS2", "readpatt": "NRS", "ngroups": 6},
    "nirspec-irs2-rapid": {"detector": "NRS1", "readpatt": "NRSIRS2RAPID", "ngroups": 6},
    "nirspec-irs2": {"detector": "NRS2", "readpatt": "NRSIRS2", "ngroups": 4},
    "nirspec-sub2048": {
        "detector": "NRS1",
        "readpatt": "NRSRAPID",
        "subarray": "SUB2048",
        "ngroups": 12,
        "nints": 6,
        "exp_type": "NRS_BRIGHTOBJ",
        "scene": field(300),
        "noise": STEADY,
    },
    "fgs-full": {"detector": "GUIDER2", "readpatt": "FGS", "ngroups": 5},
    "miri-full": {"detector": "MIRIMAGE", "readpatt": "FASTR1", "ngroups": 7, "nints": 2, "scene": field(50)},
    "miri-sub256-showers": {
        "detector": "MIRIMAGE",
        "readpatt": "FASTR1",
        "subarray": "SUB256",
        "ngroups": 12,
        "nints": 3,
        "scene": field(300),
        "noise": replace(STEADY, showers=2.0),
    },
    "miri-sub128-many-ints": {
        "detector": "MIRIMAGE",
        "readpatt": "FASTR1",
        "subarray": "SUB128",
        "ngroups": 12,
        "nints": 20,
        "scene": field(2000),
        "noise": replace(STEADY, interference=0.0),
    },
    "miri-slitlessprism": {
        "detector": "MIRIMAGE",
        "readpatt": "FASTR1",
        "subarray": "SLITLESSPRISM",
        "ngroups": 12,
        "nints": 8,
        "scene": field(500),
        "noise": STEADY,
    },
    "miri-mrs-slow": {"detector": "MIRIFULONG", "readpatt": "SLOWR1", "ngroups": 6, "scene": field(5)},
    "miri-sub128-averaged": {
        "detector": "MIRIMAGE",
        "readpatt": "FASTGRPAVG",
        "subarray": "SUB128",
        "ngroups": 8,
        "nints": 4,
        "scene": field(500),
        "noise": STEADY,
    },
}
SEEDS = (11, 12)

EXPOSURES = [
    pytest.param(ExposureConfig(**kind, seed=seed), id=f"{name}-seed{seed}")
    for name, kind in KINDS.items()
    for seed in SEEDS
]
