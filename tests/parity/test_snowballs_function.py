"""Snowballs of gpipe and of stcal on the same flags, and the whole step on a simulated exposure.

Compared: group flags and the number of snowballs. Circles of a whole radius have pixels exactly on their edge, up to
twelve for radii up to 24. gpipe leaves them out; in jwst the rounding of a sine decides.
"""

import numpy as np
import pytest
from helpers.comparison import compare_flags

from gpipe.dq import DO_NOT_USE, JUMP_DET, SATURATED
from gpipe.jump import JumpStep
from gpipe.jump.settings import SnowballSettings
from gpipe.jump.snowballs_host import flag_snowballs
from gpipe.pipeline import Detector1Pipeline
from gpipe.simulate import ExposureConfig, NoiseEffects

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]


def random_flags(rng, size):
    """Single jumps and nearly round events, some with a core that stays saturated."""
    flags = np.zeros((2, 5, size, size), np.uint8)
    row, column = np.mgrid[:size, :size]
    for integration in flags:
        integration[1:][rng.random((4, size, size)) < 0.01] |= JUMP_DET
        for _ in range(6):
            group, radius, core = rng.integers(1, 5), rng.uniform(1, 14), rng.uniform(0, 0.7)
            (r, c), angle, axis_ratio = rng.uniform(-3, size + 3, 2), rng.uniform(0, np.pi), rng.uniform(0.95, 1)
            along = (row - r) * np.cos(angle) + (column - c) * np.sin(angle)
            across = (row - r) * np.sin(angle) - (column - c) * np.cos(angle)
            distance = np.hypot(axis_ratio * along, across)
            integration[group][distance < radius] |= JUMP_DET
            integration[min(group + rng.integers(2), 4) :, distance < core * radius] |= SATURATED
    flags[(flags & (SATURATED | DO_NOT_USE)) != 0] &= 0xFF - JUMP_DET
    return flags


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_flags_of_random_events(seed, required, agree):
    jump = pytest.importorskip("stcal.jump.jump")
    from stcal.jump.jump_class import JumpData

    rng = np.random.default_rng(seed)
    flags = random_flags(rng, int(rng.integers(100, 200)))
    theirs = JumpData()
    theirs.fl_sat, theirs.fl_jump, theirs.fl_dnu = SATURATED, JUMP_DET, DO_NOT_USE
    theirs.set_snowball_info(True, 5.0, 1.0, 2.0, required, 2.5, 4, 15)
    theirs.max_extended_width, theirs.mask_persist_grps_next_int, theirs.persist_grps_flagged = 60, True, 3
    expected, count = jump.flag_large_events(flags.copy(), JUMP_DET, SATURATED, theirs)
    ours = flag_snowballs(
        flags,
        SnowballSettings(
            min_jump_area=5.0, min_sat_area=1.0, expand_factor=2.0, sat_required=required, min_sat_radius_extend=2.5,
            sat_expand=4, edge_size=15, max_axis=60, next_integration_groups=3,
        ),
    )  # fmt: skip
    assert ours.count == count > 5
    assert np.count_nonzero(ours.groupdq != expected) <= 12 * count
    assert np.count_nonzero(ours.groupdq != flags) > 200 * count


OPTIONS = [
    {},
    {"sat_required_snowball": False, "min_jump_area": 12.0},
    {"expand_factor": 1.5, "min_sat_area": 4.0, "min_sat_radius_extend": 1.0, "sat_expand": 3, "edge_size": 0},
    {"mask_snowball_core_next_int": False, "max_extended_radius": 12},
    {"snowball_time_masked_next_int": 5, "use_ellipses": True},
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A ramp with snowballs, calibrated up to jump, and its active cache."""
    from gpipe import simulate

    folder = tmp_path_factory.mktemp("snowballs")
    config = ExposureConfig(
        detector="NRCALONG", readpatt="BRIGHT2", subarray="SUB640", ngroups=6, nints=2,
        noise=NoiseEffects(snowballs=0.5),
    )  # fmt: skip
    exposure = simulate.write_exposure(config, folder)
    with simulate.write_cache([config], folder / "crds_cache", full_frame=False).activated():
        skip = {"jump": {"skip": True}, "ramp_fit": {"skip": True}}
        yield Detector1Pipeline.call(exposure.path, steps=skip, configure_log=False)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "defaults")
def test_step_agrees(prepared, options, agree):
    jwst = pytest.importorskip("jwst.jump")
    ours = JumpStep.call(prepared, expand_large_events=True, configure_log=False, **options)
    theirs = jwst.JumpStep.call(prepared, expand_large_events=True, **options)
    agree(
        [compare_flags("GROUPDQ", ours.groupdq, theirs.groupdq), compare_flags("PIXELDQ", ours.pixeldq, theirs.pixeldq)]
    )
    assert ours.meta.exposure.extended_emission_events == theirs.meta.exposure.extended_emission_events > 0
    assert ours.meta.exposure.primary_cosmic_rays == theirs.meta.exposure.primary_cosmic_rays
