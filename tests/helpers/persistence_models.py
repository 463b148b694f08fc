"""Small exposures and trap references, as arrays and as models of the installed ``stdatamodels``."""

import numpy as np

ROWS, COLUMNS = 15, 12
"""Size of the part of the detector that references cover."""
DO_NOT_USE, SATURATED, JUMP_DET = 1, 2, 4
GROUP_TIME, FRAME_TIME = 21.47354, 10.73677
END_OF_EARLIER, START = 60000.0, 60000.01
TRAPPARS = [(0.35, -0.02, 0.05, -0.01), (0.5, -0.003, 0.01, -0.0008), (0.05, -0.4, 0.1, -0.15)]


def arrays(seed, *, integrations=2, groups=6, window=None, earlier=False, brightest=9000.0, gaps=False, jumps=False):
    """Arrays of an exposure and its references by name. ``window``: xstart, ystart, xsize, ysize.

    With ``jumps`` counts are in full wells: jwst 1.20.2 takes a jump's height in DN for one in full wells.
    """
    rng = np.random.default_rng(seed)
    window = window or (1, 1, COLUMNS, ROWS)
    shape = (integrations, groups, window[3], window[2])
    data = np.cumsum(rng.uniform(0.8, 1.2, shape) * brightest * rng.random(shape[2:]) ** 3, axis=1)
    data += rng.normal(0, 8, shape)
    groupdq = (data > 65000) * SATURATED
    full_well = rng.uniform(40000, 70000, (ROWS, COLUMNS))
    if jumps:
        hit = rng.random(shape) < 0.1
        data += np.cumsum(hit * rng.exponential(3000, shape), axis=1)
        groupdq |= hit * JUMP_DET
        data, full_well = data / 60000, np.ones((ROWS, COLUMNS))
    made = {
        "data": data.astype(np.float32),
        "groupdq": groupdq.astype(np.uint8),
        "pixeldq": rng.integers(0, 1 << 20, shape[2:]).astype(np.uint32),
        "window": np.array(window),
        "density": rng.uniform(0, 400, (ROWS, COLUMNS)).astype(np.float32),
        "density_dq": np.zeros((ROWS, COLUMNS), np.uint32),
        "full_well": full_well.astype(np.float32),
        "full_well_dq": np.zeros((ROWS, COLUMNS), np.uint32),
    }
    if earlier:
        made["earlier"] = rng.exponential(150, (len(TRAPPARS), ROWS, COLUMNS)).astype(np.float32)
    if gaps:
        for name in ("density", "full_well"):
            made[name][rng.random((ROWS, COLUMNS)) < 0.1] = np.nan
            made[f"{name}_dq"][rng.random((ROWS, COLUMNS)) < 0.1] = DO_NOT_USE
    return made


CASES = {
    "dark-before": {"seed": 1},
    "traps-of-an-earlier-exposure": {"seed": 2, "earlier": True},
    "subarray": {"seed": 3, "earlier": True, "window": (4, 5, 8, 9), "integrations": 3},
    "beyond-the-full-well": {"seed": 4, "earlier": True, "brightest": 60000.0},
    "gaps-in-the-references": {"seed": 5, "earlier": True, "brightest": 30000.0, "gaps": True},
    "one-group": {"seed": 6, "earlier": True, "groups": 1, "brightest": 60000.0},
    "two-groups": {"seed": 7, "groups": 2, "brightest": 60000.0, "integrations": 4},
    "jumps": {"seed": 8, "jumps": True, "groups": 9, "integrations": 3},
}
CUTOFF = 40.0


def ramp(made):
    """RampModel of an exposure."""
    from stdatamodels.jwst.datamodels import RampModel

    model = RampModel(data=made["data"].copy(), groupdq=made["groupdq"].copy(), pixeldq=made["pixeldq"].copy())
    describe(model, made["window"])
    settings = {
        "type": "NRC_IMAGE",
        "readpatt": "BRIGHT1",
        "nints": made["data"].shape[0],
        "ngroups": made["data"].shape[1],
        "nframes": 1,
        "groupgap": 1,
        "group_time": GROUP_TIME,
        "frame_time": FRAME_TIME,
        "nresets_at_start": 1,
        "nresets_between_ints": 2,
        "start_time": START,
        "end_time": START + 0.02,
    }
    for name, value in settings.items():
        setattr(model.meta.exposure, name, value)
    return model


def references(made):
    """The three references by type."""
    from stdatamodels.jwst.datamodels import PersistenceSatModel, TrapDensityModel, TrapParsModel

    density = TrapDensityModel(data=made["density"].copy(), dq=made["density_dq"].copy())
    full_well = PersistenceSatModel(data=made["full_well"].copy(), dq=made["full_well_dq"].copy())
    columns = [(name, "f8") for name in ("capture0", "capture1", "capture2", "decay_param")]
    trappars = TrapParsModel(trappars_table=np.array(TRAPPARS, dtype=columns))
    whole = (1, 1, COLUMNS, ROWS)
    return {"trapdensity": describe(density, whole), "trappars": trappars, "persat": describe(full_well, whole)}


def earlier_traps(made):
    """TrapsFilledModel at the end of an earlier exposure, or None."""
    from stdatamodels.jwst.datamodels import TrapsFilledModel

    if "earlier" not in made:
        return None
    model = describe(TrapsFilledModel(data=made["earlier"].copy()), (1, 1, COLUMNS, ROWS))
    model.meta.exposure.end_time = END_OF_EARLIER
    return model


def describe(model, window):
    """Place a model on the detector."""
    subarray, instrument = model.meta.subarray, model.meta.instrument
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = (int(n) for n in window)
    subarray.fastaxis, subarray.slowaxis = -1, 2
    instrument.name, instrument.detector = "NIRCAM", "NRCA1"
    return model
