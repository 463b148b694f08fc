"""Showers of gpipe and of jwst on the same ramps: the search alone, and the whole step with its parameters.

Compared: group flags, the number of showers and EXTNCRS. gpipe sums in float32 and jwst convolves in float64 by Fourier
transforms, so a pixel within about 1e-6 of the threshold may be judged otherwise. Circles of a whole radius have up to
twelve pixels exactly on their edge; gpipe leaves them out; in jwst the rounding of a sine decides. jwst ignores its
``max_shower_amplitude``: the limit is handed to its search by hand.
"""

import numpy as np
import pytest
from helpers.comparison import compare_flags
from helpers.early_steps import apply, ramp_model, reference_model

from gpipe.dq import DO_NOT_USE, REFERENCE_PIXEL, SATURATED
from gpipe.jump import JumpStep

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]

GROUP_TIME = 2.775
GAIN, READ_NOISE = 4.0, 6.0


def disc(size, row, column, radius, stretch=1.0):
    rows, columns = np.mgrid[:size, :size]
    return np.hypot(rows - row, stretch * (columns - column)) < radius


def ramps(seed, shape, size, showers=4, light=18.0):
    """Noisy ramps with faint, large discs of charge, hits, saturation and flags."""
    rng = np.random.default_rng(seed)
    integrations, groups = shape
    gained = 20 + rng.normal(0, READ_NOISE, (*shape, size, size)) + rng.normal(0, 5, (*shape, size, size))
    for _ in range(showers * integrations):
        where = disc(size, *rng.uniform(5, size - 5, 2), rng.uniform(7, 15), rng.uniform(0.8, 1.2))
        gained[rng.integers(integrations), rng.integers(1, groups)] += light * rng.uniform(0.3, 1) * where
    gained[rng.random(gained.shape) < 0.003] += 900.0
    data = np.cumsum(gained, axis=1).astype(np.float32)
    groupdq = rng.choice(np.array([0] * 300 + [1, 2, 4, 5, 3], np.uint8), data.shape)
    core = disc(size, size / 2, size / 2, 9)
    groupdq[:, groups // 2 :, core] = SATURATED
    groupdq[:, 0] |= DO_NOT_USE
    data[0, 1, 7, 7] = np.nan
    pixeldq = rng.choice(np.array([0] * 40 + [1, 2, 4, 16], np.uint32), (size, size))
    pixeldq[:, :4] = pixeldq[:, -4:] = REFERENCE_PIXEL
    pixeldq[5, 1] |= 16
    return data, groupdq, pixeldq


def exposure(data, groupdq, pixeldq):
    model = ramp_model(
        data, groupdq=groupdq, pixeldq=pixeldq, corner=(1, 1), type="MIR_IMAGE", readpatt="FASTR1",
        group_time=GROUP_TIME, frame_time=GROUP_TIME,
    )  # fmt: skip
    model.meta.instrument.name, model.meta.instrument.detector = "MIRI", "MIRIMAGE"
    model.meta.subarray.name = "SUB128"
    return model


def references(size, seed=0):
    rng = np.random.default_rng(seed)
    gain = rng.uniform(0.95, 1.05, (size, size)).astype(np.float32) * np.float32(GAIN)
    gain[3, 40:43] = np.nan, 0, -1
    noise = (READ_NOISE * rng.uniform(0.9, 1.1, (size, size))).astype(np.float32)
    models = {name: reference_model(f"{name.title()}Model", (1, 1), data=x)
              for name, x in (("gain", gain), ("readnoise", noise))}  # fmt: skip
    for model in models.values():
        model.meta.instrument.name, model.meta.instrument.detector = "MIRI", "MIRIMAGE"
    return models


def jwst_step(model, models, folder, limit=None, **parameters):
    jump_step = pytest.importorskip("jwst.jump.jump_step")
    paths = {}
    for name, reference in models.items():
        paths[f"override_{name}"] = str(folder / f"{name}.fits")
        reference.save(paths[f"override_{name}"])
    step = jump_step.JumpStep(find_showers=True, **parameters, **paths)
    if limit is not None:
        setup = step._setup_jump_data

        def with_limit(result):
            data = setup(result)
            data.max_shower_amplitude = limit * GROUP_TIME
            return data

        step._setup_jump_data = with_limit
    return step.process(model.copy())


def assert_agree(ours, theirs, model, agree, later=5):
    """``later`` is the number of groups that are flagged after a shower."""
    agree([compare_flags("PIXELDQ", ours.pixeldq, theirs.pixeldq)])
    rate = theirs.meta.exposure.extended_emission_events
    assert ours.meta.exposure.extended_emission_events == pytest.approx(rate)
    differences = model.data.shape[0] * (model.data.shape[1] - 2)
    count = round(rate * 1e-6 * GROUP_TIME * differences * model.data[0, 0].size)
    assert count > 1
    found = compare_flags("GROUPDQ", ours.groupdq, theirs.groupdq)
    assert found.different <= 12 * count * (later + 1), found
    assert np.count_nonzero(theirs.groupdq != model.groupdq) > 100 * found.different


OPTIONS = [
    {},
    {"extend_snr_threshold": 2.0, "extend_min_area": 40},
    {"extend_inner_radius": 0.0, "extend_outer_radius": 2.0},
    {"extend_inner_radius": 2.3, "extend_outer_radius": 1.9},
    {"extend_ellipse_expand_ratio": 1.6, "time_masked_after_shower": 0.0},
    {"time_masked_after_shower": 6.0, "max_extended_radius": 6},
    {"minimum_sigclip_groups": 2},
    {"expand_large_events": True, "sat_required_snowball": False, "min_jump_area": 6},
    {"extend_min_area": 300, "rejection_threshold": 6.0},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "defaults")
@pytest.mark.parametrize("seed", [1, 2])
def test_step_agrees(seed, options, agree, tmp_path):
    shape = (12, 6) if "minimum_sigclip_groups" in options else (3, 9)
    model, models = exposure(*ramps(seed, shape, 100)), references(100)
    theirs = jwst_step(model, models, tmp_path, **options)
    ours = apply(JumpStep(find_showers=True, **options), model, **models)
    assert_agree(ours, theirs, model, agree, later=int(options.get("time_masked_after_shower", 15) // GROUP_TIME))


@pytest.mark.parametrize(("amplitude", "light"), [(0.5, 18.0), (30.0, 150.0)])
def test_amplitudes_that_are_allowed(amplitude, light, agree, tmp_path):
    model, models = exposure(*ramps(5, (2, 9), 100, light=light)), references(100)
    options = {"rejection_threshold": 60.0}
    theirs = jwst_step(model, models, tmp_path, limit=1.5 * amplitude, **options)
    ours = apply(JumpStep(find_showers=True, max_shower_amplitude=amplitude, **options), model, **models)
    assert_agree(ours, theirs, model, agree)
    plain = apply(JumpStep(find_showers=True, **options), model, **models)
    assert np.count_nonzero(ours.groupdq != plain.groupdq) > 100


def test_few_differences(tmp_path):
    model, models = exposure(*ramps(6, (1, 10), 64)), references(64)
    theirs = jwst_step(model, models, tmp_path)
    ours = apply(JumpStep(find_showers=True), model, **models)
    np.testing.assert_array_equal(ours.groupdq, theirs.groupdq)
    assert ours.meta.exposure.extended_emission_events == theirs.meta.exposure.extended_emission_events == 0
