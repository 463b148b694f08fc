"""Options of steps that no table of the tests has, and exposures of every subarray and read pattern."""

from dataclasses import replace
from typing import Any

from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene

BRIGHT = Scene(background=500.0, density=4e-3, brightest=1e6)
HITS = NoiseEffects(cosmic_rays=300.0)
NIRCAM = ExposureConfig(
    detector="NRCALONG", readpatt="BRIGHT2", subarray="SUB160", ngroups=8, nints=3, zero_frame=True, scene=BRIGHT,
    noise=HITS, pixels=DetectorEffects(ipc=0.005),
)  # fmt: skip
NIRISS = ExposureConfig(detector="NIS", readpatt="NISRAPID", subarray="SUB64", ngroups=5, nints=2, scene=BRIGHT)
MIRI = ExposureConfig(
    detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB64", ngroups=12, nints=3, scene=BRIGHT, noise=HITS
)
FULL = ExposureConfig(detector="NRCALONG", readpatt="SHALLOW4", ngroups=3)
IRS2 = ExposureConfig(detector="NRS1", readpatt="NRSIRS2RAPID", ngroups=3)
LARGER = ExposureConfig(detector="NRCALONG", readpatt="RAPID", subarray="SUB320", ngroups=8, nints=6, seed=5)
LARGER_MIRI = replace(MIRI, subarray="SUB256", exp_type="MIR_IMAGE")
SMALL_KERNEL = replace(NIRCAM, pixels=DetectorEffects(ipc=0.005, ipc_kernel="3x3"))
KERNEL_OF_EACH_PIXEL = replace(MIRI, pixels=DetectorEffects(ipc=0.005, ipc_variation=0.1, ipc_kernel="each pixel"))


def _steps(name: str, *choices: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Make arguments that give a step each of these parameters."""
    return {f"{name} {choice}": {"steps": {name: choice}} for choice in choices}


def _skipped(*names: str) -> dict[str, dict[str, Any]]:
    """Make arguments that leave out each of these steps."""
    return {f"without {name}": {"steps": {name: {"skip": True}}} for name in names}


OF_JUMP = (
    {"flag_4_neighbors": False, "rejection_threshold": 3.0},
    {"min_jump_to_flag_neighbors": 5.0, "max_jump_to_flag_neighbors": 100.0},
    {"after_jump_flag_dn1": 50.0, "after_jump_flag_time1": 0.5, "after_jump_flag_dn2": 200.0},
    {"min_diffs_single_pass": 5, "maximum_cores": "2"},
    {"expand_large_events": True, "use_ellipses": True, "min_jump_area": 3.0, "expand_factor": 1.5},
    {"expand_large_events": True, "sat_required_snowball": False, "edge_size": 0},
)
OF_RAMP_FIT = (
    {"firstgroup": 1, "lastgroup": 5},
    {"suppress_one_group": False, "save_opt": True, "opt_name": "all_segments"},
    {"algorithm": "LIKELY", "save_opt": True},
    {"maximum_cores": "all"},
)
OF_EMICORR = (
    {"algorithm": "sequential", "nbins": 50, "nints_to_phase": 2},
    {"algorithm": "sequential", "scale_reference": False, "use_n_cycles": 2},
    {"algorithm": "sequential", "onthefly_corr_freq": [390.625], "save_intermediate_results": True},
    {"fit_ints_separately": True},
)
# No step after refpix takes them.
WITH_REFERENCE_PIXELS = {name: {"skip": True} for name in ("linearity", "dark_current", "jump", "ramp_fit")} | {
    "refpix": {"preserve_irs2_refpix": True}
}

# Exposures by name, each with arguments for calls of the pipeline, by name.
OPTIONS: dict[str, tuple[ExposureConfig, dict[str, dict[str, Any]]]] = {
    "NIRCam": (
        NIRCAM,
        {
            **_skipped("dq_init", "saturation", "superbias", "refpix", "linearity", "dark_current", "jump", "ramp_fit"),
            **_steps("saturation", {"n_pix_grow_sat": 0}, {"n_pix_grow_sat": 3}, {"use_readpatt": False}),
            **_steps("dark_current", {"average_dark_current": 0.5}, {"dark_output": "averaged_dark.fits"}),
            **_steps("jump", *OF_JUMP),
            **_steps("ramp_fit", *OF_RAMP_FIT),
            "another suffix": {"suffix": "mine", "save_calibrated_ramp": True},
        },
    ),
    "NIRISS": (NIRISS, _steps("refpix", {"odd_even_columns": False}, {"use_side_ref_pixels": False}, {"skip": True})),
    "MIRI": (
        MIRI,
        {
            **_skipped("emicorr", "lastframe", "reset", "rscd"),
            **_steps("firstframe", {"skip": False}, {"skip": False, "bright_use_group1": False}),
            **_steps("emicorr", *({"skip": False, **given} for given in OF_EMICORR)),
        },
    ),
    "full frame": (
        FULL,
        _steps(
            "refpix",
            {"odd_even_columns": False},
            {"use_side_ref_pixels": False},
            {"side_smoothing_length": 21, "side_gain": 0.5},
            {"refpix_algorithm": "sirs", "sigreject": 3.0, "gaussmooth": 0.5, "halfwidth": 20, "save_results": True},
        ),
    ),
    "IRS2": (
        IRS2,
        {
            **_steps(
                "refpix",
                {"odd_even_columns": False, "siglimit": 2.5},
                {"irs2_mean_subtraction": True, "ovr_corr_mitigation_ftr": 2.0},
            ),
            "with its reference pixels": {"steps": WITH_REFERENCE_PIXELS},
        },
    ),
    "in parts": (
        LARGER,
        {
            "32 MB": {"max_memory": "32 MB"},
            "64 MB, saved": {"max_memory": "64 MB", "save_calibrated_ramp": True},
            "memory of the machine": {},
        },
    ),
    "NIRCam, ipc kernel of 3x3": (SMALL_KERNEL, {"as by default": {}}),
    "MIRI, ipc kernel of each pixel": (KERNEL_OF_EACH_PIXEL, {"as by default": {}}),
    "in parts, MIRI": (LARGER_MIRI, {"24 MB": {"max_memory": "24 MB"}, "memory of the machine": {}}),
}

SUBARRAYS = {
    ("NRCA1", "RAPID"): "SUB160 SUB320 SUBGRISM64 SUBGRISM128 SUBGRISM256",
    ("NRCB1", "RAPID"): "SUB64P SUB160P SUB400P SUB640",
    ("NIS", "NISRAPID"): "SUBSTRIP256 SUBSTRIP96 SUB64 SUB80 SUB128 SUB256",
    ("NRS2", "NRSRAPID"): "ALLSLITS SUB2048 SUB1024A SUB1024B SUB512 SUB512S SUB32",
    ("GUIDER1", "FGSRAPID"): "SUB128LL SUB128DIAG SUB128CNTR SUB32LL",
    ("MIRIMAGE", "FASTR1"): "BRIGHTSKY SUB256 SUB128 SUB64 SLITLESSPRISM MASK1065 MASK1140 MASK1550 MASKLYOT",
}
READ_PATTERNS = {
    ("NRCALONG", "SUB64P"): "BRIGHT1 BRIGHT2 SHALLOW2 SHALLOW4 MEDIUM2 MEDIUM8 DEEP2 DEEP8",
    ("NIS", "SUB64"): "NIS",
    ("NRS1", "SUB512"): "NRS",
    ("GUIDER2", "SUB128LL"): "FGS",
    ("MIRIMAGE", "SUB64"): "FASTGRPAVG FASTGRPAVG8 FASTGRPAVG16",
}

WITH_TRAPS = ExposureConfig(
    detector="NRCB1", readpatt="RAPID", subarray="SUB160", ngroups=10, nints=2, pixels=DetectorEffects(traps=50.0),
    scene=Scene(background=300, density=2e-3, brightest=1e7),
)  # fmt: skip
AFTER_TRAPS = replace(
    WITH_TRAPS, exposure=2, scene=Scene(background=40, density=0), after=WITH_TRAPS, start=WITH_TRAPS.end + 20
)


def of_every_kind() -> dict[str, ExposureConfig]:
    """Make an exposure of each subarray and read pattern."""
    kinds = [(detector, readpatt, name) for (detector, readpatt), names in SUBARRAYS.items() for name in names.split()]
    kinds += [(detector, name, where) for (detector, where), names in READ_PATTERNS.items() for name in names.split()]
    return {
        f"{detector} {subarray} {readpatt}": ExposureConfig(
            detector=detector, readpatt=readpatt, subarray=subarray, ngroups=6, scene=BRIGHT, noise=HITS
        )
        for detector, readpatt, subarray in kinds
    }
