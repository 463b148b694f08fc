"""The exposures of the parity tests: instruments, read patterns and subarrays, two seeds each."""

from dataclasses import replace

import pytest

from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene

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

THOROUGH = pytest.mark.thorough


def _exposure(name, seed, *, thorough):
    config = ExposureConfig(**KINDS[name], seed=seed)
    return pytest.param(config, id=f"{name}-seed{seed}", marks=[THOROUGH] if thorough else [])


EXPOSURES = [_exposure(name, seed, thorough=seed != SEEDS[0]) for name in KINDS for seed in SEEDS]
STEP_BY_STEP = [_exposure(name, SEEDS[0], thorough="subarray" not in KINDS[name]) for name in KINDS]
"""Full frames are thorough: their products are compared in any case."""
AGAIN = pytest.param(2, marks=THOROUGH)
"""Another seed than 1."""

# --- darks ----------------------------------------------------------------------------------------------------------

CLOSED = {"scene": Scene(background=0, density=0), "seed": 31}
DARKS = {
    "nircam-full": ExposureConfig(
        detector="NRCALONG", readpatt="SHALLOW4", ngroups=3, nints=2, exp_type="NRC_DARK", zero_frame=True, **CLOSED
    ),
    "niriss-subarray": ExposureConfig(
        detector="NIS",
        readpatt="NISRAPID",
        subarray="SUB80",
        ngroups=3,
        nints=2,
        exp_type="NIS_DARK",
        pixels=DetectorEffects(ipc=0.005),
        **CLOSED,
    ),
    "miri-full": ExposureConfig(
        detector="MIRIFULONG", readpatt="FASTR1", ngroups=7, nints=2, exp_type="MIR_DARKMRS", **CLOSED
    ),
    "miri-subarray": ExposureConfig(
        detector="MIRIMAGE",
        readpatt="FASTR1",
        subarray="SUB128",
        ngroups=12,
        nints=4,
        exp_type="MIR_DARKIMG",
        pixels=DetectorEffects(ipc=0.005),
        **CLOSED,
    ),
}

# --- few groups, and time series ------------------------------------------------------------------------------------

# Some stars saturate in the first group, some later.
SATURATING = Scene(background=1e4, density=5e-3, brightest=1e6)
SPECTRUM = Scene(density=0, spectrum=3e3)
SHORT = {
    "nircam": {"detector": "NRCB1", "readpatt": "RAPID", "subarray": "SUB64P"},
    "nircam-averaged": {"detector": "NRCALONG", "readpatt": "BRIGHT2", "subarray": "SUB160P", "zero_frame": True},
    "niriss": {"detector": "NIS", "readpatt": "NISRAPID", "subarray": "SUB64"},
    "nirspec": {"detector": "NRS1", "readpatt": "NRSRAPID", "subarray": "SUB512S", "scene": SPECTRUM},
    "fgs": {"detector": "GUIDER1", "readpatt": "FGSRAPID", "subarray": "SUB32LL"},
    "miri": {"detector": "MIRIMAGE", "readpatt": "FASTR1", "subarray": "SUB64"},
}
TIME_SERIES = {
    "nircam-imaging": {"detector": "NRCALONG", "readpatt": "RAPID", "subarray": "SUB64P", "exp_type": "NRC_TSIMAGE"},
    "nircam-grism": {"detector": "NRCA1", "readpatt": "RAPID", "subarray": "SUBGRISM64", "exp_type": "NRC_TSGRISM"},
    "niriss": {"detector": "NIS", "readpatt": "NISRAPID", "subarray": "SUBSTRIP96", "exp_type": "NIS_SOSS"},
    "nirspec": {
        "detector": "NRS2",
        "readpatt": "NRSRAPID",
        "subarray": "SUB512",
        "exp_type": "NRS_BRIGHTOBJ",
        "scene": SPECTRUM,
    },
    "miri": {"detector": "MIRIMAGE", "readpatt": "FASTR1", "subarray": "SLITLESSPRISM"},
}
# What CRDS recommends for time series: no flags that depend on neighbours or on later groups.
TIME_SERIES_STEPS = {
    "saturation": {"n_pix_grow_sat": 0},
    "refpix": {"odd_even_columns": True, "use_side_ref_pixels": True},
    "jump": {"flag_4_neighbors": False, "rejection_threshold": 6.0},
}


def few_groups(kind, ngroups, nints):
    return ExposureConfig(**{"scene": SATURATING} | SHORT[kind], ngroups=ngroups, nints=nints, seed=41 + ngroups)


def one_integration(kind):
    return ExposureConfig(**{"scene": SATURATING} | SHORT[kind], ngroups=8, nints=1, seed=51)


def time_series(kind):
    return ExposureConfig(**{"scene": SATURATING} | TIME_SERIES[kind], ngroups=4, nints=12, seed=61)


# --- stripes --------------------------------------------------------------------------------------------------------

LIGHT = {"ngroups": 5, "exp_type": "NRC_TSGRISM", "scene": Scene(background=300, density=1e-3), "seed": 71}
# Frames of 7.6 ms: light and particles as a longer exposure has them.
FAST = LIGHT | {
    "scene": Scene(background=2e5, density=1e-2, faintest=1e6, brightest=1e8),
    "noise": NoiseEffects(cosmic_rays=3e3),
}
# Saturated after two such frames the variance of a rate is beyond 1e6, where jwst loses the rate: docs/differences.md.
UNSATURATED = FAST | {"scene": Scene(background=2e4, density=1e-2, faintest=1e5, brightest=1e6)}
STRIPED = {
    "nircam-dhs": ExposureConfig(detector="NRCA1", readpatt="RAPID", subarray="SUB164STRIPE4_DHS", nints=2, **LIGHT),
    "nircam-dhs-long": ExposureConfig(detector="NRCALONG", readpatt="BRIGHT2", subarray="SUB164STRIPE4_DHS", **LIGHT),
    "niriss-superstripes": ExposureConfig(
        detector="NIS", readpatt="NISRAPID", subarray="SUB204STRIPE_SOSS", nints=20, **LIGHT | {"exp_type": "NIS_SOSS"}
    ),
    "nircam-superstripes": ExposureConfig(
        detector="NRCB1", readpatt="RAPID", subarray="SUB64P_SUPSTP008", nints=16, **UNSATURATED
    ),
    "nircam-repeats": ExposureConfig(
        detector="NRCB1", readpatt="RAPID", subarray="SUB64P_SUPSTP002", nints=128, **FAST
    ),
}

# --- charge migration -----------------------------------------------------------------------------------------------


def charge_migrating(seed):
    """Stars that a NIRISS detector gives a few ten thousand electrons a pixel, some of which end up next door."""
    return ExposureConfig(
        detector="NIS",
        readpatt="NISRAPID",
        subarray="SUB128",
        exp_type="NIS_AMI",
        ngroups=20,
        nints=3,
        seed=seed,
        noise=STEADY,
        scene=Scene(background=300, density=2e-3, faintest=6e4, brightest=2.5e5, seed=seed),
        pixels=DetectorEffects(charge_migration=0.3),
    )
