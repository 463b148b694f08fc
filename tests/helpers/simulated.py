"""Short cuts of the tests of the simulator: a small exposure, with only the effects that a test is about."""

from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene

QUIET = NoiseEffects(
    photon_noise=False,
    cosmic_rays=0,
    read_noise=0,
    one_over_f=0,
    ktc=0,
    amplifier_drift=0,
    odd_even_drift=0,
    interference=0,
)
IDEAL = DetectorEffects(
    nonlinearity=False,
    dark_scale=0,
    hot_fraction=0,
    dead_fraction=0,
    gap_fraction=0,
    reset_decay=0,
    rscd=0,
    last_frame=0,
)
DARKNESS = Scene(background=0, density=0)


def small(**changes) -> ExposureConfig:
    """64 x 64 pixels of NRCB1 without reference pixels, five groups of one frame; nothing but light unless changed."""
    settings = {
        "detector": "NRCB1",
        "readpatt": "RAPID",
        "subarray": "SUB64P",
        "ngroups": 5,
        "noise": QUIET,
        "pixels": IDEAL,
        "scene": Scene(background=2e4, density=0),
    }
    return ExposureConfig(**settings | changes)


def mid_infrared(**changes) -> ExposureConfig:
    """64 x 72 pixels of MIRIMAGE, four of each row reference pixels; the same otherwise."""
    return small(**{"detector": "MIRIMAGE", "readpatt": "FASTR1", "subarray": "SUB64", **changes})
