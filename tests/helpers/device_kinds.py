"""Kinds of exposure with parameters of steps, small ones of every instrument: all that steps do to arrays."""

from gpipe.simulate import DetectorEffects, NoiseEffects, Scene

BRIGHT = Scene(background=500.0, density=4e-3, brightest=1e6)
NIRCAM = {"detector": "NRCALONG", "readpatt": "SHALLOW4", "subarray": "SUB64P", "ngroups": 5, "scene": BRIGHT}
RAPID = NIRCAM | {"readpatt": "RAPID"}
HITS = {"noise": NoiseEffects(cosmic_rays=300.0)}
MIRI = {"detector": "MIRIMAGE", "readpatt": "FASTR1", "subarray": "SUB64", "ngroups": 9, "scene": BRIGHT}
SOSS = {"detector": "NIS", "readpatt": "NISRAPID", "subarray": "SUBSTRIP96", "ngroups": 4, "exp_type": "NIS_SOSS"}
BRIGHT_OBJECT = {"detector": "NRS1", "readpatt": "NRSRAPID", "subarray": "SUB2048", "exp_type": "NRS_BRIGHTOBJ"}
FULL = {"detector": "NRCALONG", "readpatt": "SHALLOW4", "ngroups": 3}
NIRSPEC = {"detector": "NRS1", "readpatt": "NRSRAPID", "ngroups": 3}


def cleaned(**how):
    return {"clean_flicker_noise": {"skip": False} | how}


KINDS = {
    "ZEROFRAME": (NIRCAM | {"nints": 2, "zero_frame": True}, {}),
    "one group": (RAPID | {"ngroups": 1, "nints": 2}, {"ramp_fit": {"suppress_one_group": False}}),
    "twelve groups": (RAPID | {"ngroups": 12}, {}),
    "ipc": (NIRCAM | {"pixels": DetectorEffects(ipc=0.005)}, {"ipc": {"skip": False}}),
    "charge_migration": (NIRCAM, {"charge_migration": {"skip": False, "signal_threshold": 2000.0}}),
    "persistence": (NIRCAM, {"persistence": {"skip": False, "algorithm": "trap_model"}}),
    "persistence_time": (NIRCAM, {"persistence": {"skip": False, "persistence_time": 1000}}),
    "gain_scale": (NIRCAM | {"gain_factor": 1.2}, {}),
    "sigma clipping": (RAPID | HITS | {"nints": 30}, {"jump": {"minimum_sigclip_groups": 10}}),
    "clipping of all": (RAPID | HITS | {"nints": 12}, {"jump": {"minimum_sigclip_groups": 10, "only_use_ints": False}}),
    "after jumps": (
        NIRCAM | HITS,
        {"jump": {"after_jump_flag_dn1": 100, "after_jump_flag_time1": 200}},
    ),
    "snowballs": (
        NIRCAM | {"nints": 2, "seed": 5, "noise": NoiseEffects(snowballs=100.0)},
        {"jump": {"expand_large_events": True}},
    ),
    "LIKELY": (NIRCAM | {"nints": 2}, {"ramp_fit": {"algorithm": "LIKELY"}}),
    "save_opt": (NIRCAM | {"nints": 2}, {"ramp_fit": {"save_opt": True}}),
    "saved on the way": (NIRCAM, {"refpix": {"save_results": True}, "jump": {"save_results": True}}),
    "1/f, model": (NIRCAM | {"nints": 2}, cleaned(background_method="model")),
    "1/f, median": (NIRCAM, cleaned(background_method="median", single_mask=False)),
    "1/f, fft": (NIRCAM, cleaned(fit_method="fft")),
    "1/f, autoparam": (NIRCAM, cleaned(autoparam=True)),
    "MIRI": (MIRI | {"nints": 3, "exp_type": "MIR_IMAGE"}, {"firstframe": {"skip": False}}),
    "showers": (
        MIRI | {"subarray": "SUB256", "ngroups": 14, "scene": Scene(), "noise": NoiseEffects(showers=10.0)},
        {"jump": {"find_showers": True}},
    ),
    "emicorr, joint": (MIRI | {"nints": 2}, {"emicorr": {"skip": False, "algorithm": "joint"}}),
    "emicorr, sequential": (MIRI | {"nints": 2}, {"emicorr": {"skip": False, "algorithm": "sequential"}}),
    "slitless prism": (MIRI | {"subarray": "SLITLESSPRISM", "nints": 3}, {}),
    "SOSS": (SOSS | {"nints": 2, "scene": BRIGHT}, cleaned()),
    "bright object": (BRIGHT_OBJECT | {"ngroups": 5, "nints": 2}, {}),
    "guider": ({"detector": "GUIDER1", "readpatt": "FGSRAPID", "subarray": "SUB128LL", "ngroups": 5}, {}),
    "stripes": ({"detector": "NRCA1", "readpatt": "RAPID", "subarray": "SUB164STRIPE4_DHS", "ngroups": 4}, {}),
    "full frame": (FULL, cleaned(fit_method="fft")),
    "SIRS": (FULL, {"refpix": {"refpix_algorithm": "sirs"}}),
    "IRS2": (NIRSPEC | {"readpatt": "NRSIRS2RAPID"}, {"refpix": {"irs2_mean_subtraction": True}}),
    "picture frame": (
        NIRSPEC | {"noise": NoiseEffects(picture_frame=5.0)},
        {"picture_frame": {"skip": False, "mask_science_regions": False}},
    ),
}
