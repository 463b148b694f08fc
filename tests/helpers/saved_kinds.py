"""Small exposures of the five instruments, through pipelines that save every step and what steps save on the side."""

from gpipe.simulate import ExposureConfig
from helpers.exposures import STEADY, field

SMALL = {"exp_type": "NRC_TSIMAGE", "detector": "NRCALONG", "subarray": "SUB64P", "scene": field(2000)}
EXPOSURES = {
    "nircam": {**SMALL, "readpatt": "BRIGHT2", "ngroups": 5, "zero_frame": True},
    "nircam-skipping": {**SMALL, "readpatt": "RAPID", "ngroups": 3},
    "nircam-likely": {**SMALL, "readpatt": "BRIGHT2", "ngroups": 6},
    "nircam-superstripes": {
        "detector": "NRCB1",
        "readpatt": "RAPID",
        "subarray": "SUB64P_SUPSTP002",
        "ngroups": 3,
        "nints": 128,
        "scene": field(20000),
    },
    "niriss-soss": {
        "detector": "NIS",
        "readpatt": "NISRAPID",
        "subarray": "SUBSTRIP96",
        "ngroups": 4,
        "exp_type": "NIS_SOSS",
        "scene": field(300),
    },
    "nirspec": {
        "detector": "NRS1",
        "readpatt": "NRSRAPID",
        "subarray": "SUB512",
        "ngroups": 5,
        "exp_type": "NRS_BRIGHTOBJ",
        "scene": field(300),
        "gain_factor": 2.0,
    },
    "fgs": {
        "detector": "GUIDER2",
        "readpatt": "FGSRAPID",
        "subarray": "SUB128CNTR",
        "ngroups": 4,
        "scene": field(300),
    },
    "miri": {
        "detector": "MIRIMAGE",
        "readpatt": "FASTR1",
        "subarray": "SUB64",
        "ngroups": 16,
        "scene": field(1000),
    },
    "miri-averaged": {
        "detector": "MIRIMAGE",
        "readpatt": "FASTGRPAVG",
        "subarray": "SUB64",
        "ngroups": 7,
        "scene": field(1000),
    },
}
KINDS = {name: ExposureConfig(**{"nints": 2, **kind}, noise=STEADY, seed=3) for name, kind in EXPOSURES.items()}
BY_DEFAULT = (
    "group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity", "dark_current", "jump",
    "ramp_fit", "gain_scale",
)  # fmt: skip
OF_MIRI = {name: {"skip": False} for name in ("emicorr", "firstframe", "lastframe", "reset", "rscd")}
ON_REQUEST = {
    "charge_migration": {"skip": False},
    "persistence": {"skip": False, "persistence_time": 100},
    "clean_flicker_noise": {"skip": False, "save_background": True, "save_noise": True},
}
SETTINGS = {
    "nircam": ON_REQUEST,
    "nircam-likely": {"ramp_fit": {"algorithm": "LIKELY"}},
    "nircam-superstripes": {"ipc": {"skip": True}},
    "miri": OF_MIRI | {"jump": {"find_showers": True}},
    "miri-averaged": OF_MIRI,
    "nircam-skipping": {name: {"skip": True} for name in ("superbias", "dark_current", "jump")},
}


def settings(kind):
    miri = KINDS[kind].sca.mid_infrared
    steps = {name: {"save_results": True} for name in BY_DEFAULT if not (miri and name == "superbias")}
    steps["ramp_fit"]["save_opt"] = True
    for name, chosen in SETTINGS.get(kind, {}).items():
        steps[name] = steps.get(name, {}) | {"save_results": True, **chosen}
    return steps


def skipped(kind):
    return {name for name, chosen in SETTINGS.get(kind, {}).items() if chosen.get("skip")}
