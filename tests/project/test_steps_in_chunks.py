"""Steps that work on chunks of an exposure: the same bits whatever the chunks, and no array changed that is not named.

Each step of the pipeline gets what the steps before it made of a simulated exposure, first as a whole, then in chunks.
"""

import inspect
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpipe import dq, simulate
from gpipe.backends.numpy import NumpyBackend
from gpipe.controller import Block, Produced, References, Skip
from gpipe.controller.references.absent import absent_references
from gpipe.controller.references.resolution import resolve
from gpipe.controller.run.chunks import Course, Stage, joined, through_stage
from gpipe.datamodels import Outline, Ramp, crds_parameters, open_exposure, read_header, with_own_metadata
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import Chunk, chunks_of, cut, trim, without_halo
from gpipe.datamodels.exposures.planes import product_only
from gpipe.pipeline import Detector1Pipeline

SCENE = simulate.Scene(background=500.0, density=4e-3, brightest=1e9)
NOISE = simulate.NoiseEffects(cosmic_rays=3000.0)
PIXELS = simulate.DetectorEffects(ipc=0.005, ipc_kernel="5x5")
WITH_KERNEL_OF_EACH_PIXEL = simulate.DetectorEffects(ipc=0.005, ipc_variation=0.1, ipc_kernel="each pixel")
EXPOSURES = {
    "nircam": simulate.ExposureConfig(
        detector="NRCA3", readpatt="SHALLOW4", subarray="SUB64P", nints=2, ngroups=6, zero_frame=True, seed=3,
        scene=SCENE, noise=NOISE, pixels=PIXELS,
    ),
    "miri": simulate.ExposureConfig(
        detector="MIRIMAGE", readpatt="FASTR1", subarray="SUB64", nints=3, ngroups=9, exp_type="MIR_IMAGE", seed=4,
        scene=SCENE, noise=NOISE, pixels=WITH_KERNEL_OF_EACH_PIXEL,
    ),
}  # fmt: skip
STEPS = Detector1Pipeline.step_defs
OTHERWISE = {
    "charge_migration": [{"signal_threshold": 1000.0}],
    "dark_current": [{"average_dark_current": 0.5}],
    "firstframe": [{"bright_use_group1": False}],
    "jump": [{"flag_4_neighbors": False}, {"maximum_cores": "2"}, {"minimum_sigclip_groups": 2}],
    "ramp_fit": [{"algorithm": "LIKELY"}, {"suppress_one_group": False}],
    "saturation": [{"n_pix_grow_sat": 3}, {"n_pix_grow_sat": 0}],
}
CASES = [(name, parameters) for name in STEPS for parameters in ({}, *OTHERWISE.get(name, []))]
each_case = pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)


@dataclass(frozen=True, repr=False)
class Given:
    """What a step gets."""

    exposure: Ramp
    references: References


@pytest.fixture(scope="module", params=EXPOSURES)
def exposures(request, tmp_path_factory):
    """What each step gets, by name: the exposure and the references."""
    folder, config = tmp_path_factory.mktemp(request.param), EXPOSURES[request.param]
    path = simulate.write_exposure(config, folder).path
    with simulate.write_cache([config], folder / "cache", full_frame=False).activated():
        yield _through_pipeline(path)


def _through_pipeline(path):
    header = read_header(path)
    steps = Detector1Pipeline().sequence(header.meta)
    wanted = {step.name: step.wanted_references(header.meta) for step in steps}
    references = resolve(wanted, crds_parameters(header), {}, header.meta).steps
    exposure, found = _with_large_hit(open_exposure(header, NumpyBackend())), {}
    for step in steps:
        if not isinstance(exposure, Ramp):
            break
        found[step.name] = Given(with_own_metadata(exposure), references[step.name])
        if not step.skip and not absent_references(step, references[step.name]):
            exposure = _on_whole(step, found[step.name])[0]
    found["group_scale"].exposure.meta.exposure.frame_divisor = 8  # else there is nothing to scale
    return found


def _with_large_hit(exposure):
    """The raw exposure with a hit that saturates a pixel from the third group on, in the first integration only."""
    data = exposure.data.copy()
    data[0, 2:, 30, 40] = 65535
    return replace(exposure, data=data)


def _on_whole(step, given):
    """The results; the exposure as it is where the step is skipped."""
    try:
        outcome = step.apply(with_own_metadata(given.exposure), given.references)
    except Skip:
        return (given.exposure,)
    return outcome.results if isinstance(outcome, Produced) else (outcome,)


def _in_chunks(step, given, *, length, threads, by_rows):
    """The results of the step, joined from chunks."""
    whole = with_own_metadata(given.exposure)
    total = whole.shape[-2] if by_rows else whole.shape[0]
    pieces = chunks_of(total, length, halo=step.halo(given.exposure.meta, given.references), by_rows=by_rows)
    summaries = [(piece, {"it": step.summarize(trim(cut(whole, piece), piece.core) if by_rows else cut(whole, piece))})
                for piece in pieces] if step.cut.summary else [(pieces[0], {"it": {}})]  # fmt: skip
    work = step.begin(Outline(whole.header, whole.backend, whole.shape), given.references, joined(summaries)["it"])
    stage = Stage(step.name, work, step.halo(given.exposure.meta, given.references))
    changed = {change.partition(":")[0] for change in step.writes}
    unchanged = [name for name in Ramp.planes if name not in changed]
    course = Course(
        pieces,
        lambda piece: cut(whole, piece),
        lambda: Assembly(total, by_rows=by_rows, stored=whole, unchanged=unchanged),
        whole.backend,
        threads,
    )
    passed = course.through([stage])
    first, *others = passed.exposures
    counts = passed.tallies[step.name].counts
    work.end(counts)
    fix = work.fix(counts)
    return [fix(first) if fix else first, *others]


def _step_on(exposures, name, parameters):
    """The step and what it gets, if it works on chunks of this exposure."""
    if name not in exposures:
        pytest.skip("not for this instrument")
    step, given = STEPS[name](**parameters), exposures[name]
    if not _is_cut(step, given):
        pytest.skip("works on the whole exposure, or not at all")
    return step, given


def _is_cut(step, given):
    if step.block(given.exposure.meta) == Block.EXPOSURE or absent_references(step, given.references):
        return False
    try:
        step.begin(with_own_metadata(given.exposure), given.references, step.summarize(given.exposure))
    except Skip:
        return False
    return True


def _arrays(exposure):
    found = {field.name: getattr(exposure, field.name) for field in fields(exposure)}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


def test_exposures_reach_what_steps_look_for(exposures):
    flags = np.bitwise_or.reduce(exposures["ramp_fit"].exposure.groupdq, axis=None)
    assert flags & dq.SATURATED
    assert flags & dq.JUMP_DET


@each_case
def test_a_step_changes_only_what_it_names(exposures, name, parameters):
    step, given = _step_on(exposures, name, parameters)
    before, (after, *_) = _arrays(given.exposure), _on_whole(step, given)
    if step.makes:
        pytest.skip("what comes of it is no ramp")
    after, named = _arrays(after), dict(change.partition(":")[::2] for change in step.writes)
    assert set(named) <= set(Ramp.planes)
    for array in Ramp.planes:
        was, is_now = before.get(array), after.get(array)
        if array not in named:
            assert is_now is was or np.array_equal(is_now, was, equal_nan=True), array
        elif named[array]:
            assert not np.any((was ^ is_now) & ~was.dtype.type(getattr(dq, named[array]))), step.writes


@each_case
@given(length=st.integers(1, 64), threads=st.sampled_from([1, 2]), kernels=st.booleans())
@settings(max_examples=6, deadline=None)
def test_results_do_not_depend_on_the_chunks(exposures, name, parameters, length, threads, kernels):
    step, given = _step_on(exposures, name, parameters)
    given = replace(given, exposure=replace(given.exposure, backend=NumpyBackend(use_kernels=kernels)))
    expected = _on_whole(step, given)
    for by_rows, block in ((True, Block.ROWS), (False, Block.INTEGRATIONS)):
        if block not in step.block(given.exposure.meta):
            continue
        found = _in_chunks(step, given, length=length, threads=threads, by_rows=by_rows)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.meta.instance == theirs.meta.instance
            wanted = _arrays(theirs)
            assert _arrays(ours).keys() == wanted.keys()
            for array, values in _arrays(ours).items():
                np.testing.assert_array_equal(values, wanted[array], err_msg=array, strict=True)


@each_case
@pytest.mark.parametrize("length", [7, 30])
def test_nor_in_chunks_of_columns(exposures, name, parameters, length):
    step, given = _step_on(exposures, name, parameters)
    if Block.COLUMNS not in step.block(given.exposure.meta):
        pytest.skip("works on whole rows")
    expected, whole = _on_whole(step, given)[0], with_own_metadata(given.exposure)
    rows, columns = whole.shape[-2:]
    stage = Stage(step.name, step.begin(Outline(whole.header, whole.backend, whole.shape), given.references, {}), 0)
    found = []
    for piece in chunks_of(columns, length, halo=step.halo(given.exposure.meta, given.references)):
        span = Chunk(slice(0, rows), slice(0, rows), columns=piece)
        chunk = cut(whole, span)
        assert chunk.window.xsize == chunk.shape[-1]
        found.append(_arrays(without_halo(through_stage(stage, chunk).results[0], span)))
    for array, values in _arrays(expected).items():
        # The reference output has columns of its own, which are never cut.
        is_cut = Ramp.planes[array].axes.endswith("x")
        pieces = np.concatenate([chunk[array] for chunk in found], axis=-1) if is_cut else found[-1][array]
        np.testing.assert_array_equal(pieces, values, err_msg=array, strict=True)


def test_every_step_that_says_how_to_cut_is_tried(exposures):
    cut_here = {name for name in exposures if STEPS[name].cut.block != Block.EXPOSURE}
    if exposures["jump"].exposure.meta.instrument.name == "MIRI":
        cut_here -= {"refpix"}  # is for full frames only
    assert {name for name in cut_here if not _is_cut(STEPS[name](), exposures[name])} == set()


@pytest.mark.parametrize("array", product_only(Ramp.planes))
def test_no_step_looks_at_what_runs_without_ramps_as_products_do_not_read(array):
    for step in STEPS.values():
        folder = Path(inspect.getfile(step)).parent
        assert not any(array in path.read_text() for path in folder.glob("*.py")), folder
