"""Flags of persistence windows against jwst 3.0.0, live: jwst's own step on the same models and files.

Compared: GROUPDQ, and the windows in the file that either writes and reads. Flags equal; ends of windows to a
microsecond.

Not compared: integration times of a segment, which jwst takes from the start of the table; windows of other subarrays,
which jwst misplaces; windows of later exposures, which jwst drops one group later.
"""

import asdf
import numpy as np
import pytest
from astropy.io import fits
from helpers.comparison import compare_flags, compare_rates
from helpers.early_steps import apply, ramp_model
from helpers.fault_pixels import integration_void

from gpipe import dq, simulate
from gpipe.controller import Produced
from gpipe.persistence import PersistenceStep
from gpipe.pipeline import Detector1Pipeline

pytestmark = pytest.mark.parity

START = 60000.3
GROUP_TIME = 10.7
SHAPE = (3, 7, 12, 10)


def science(seed, *, start=START, times=True, cumulative=True):
    """Ramps of which a fifth saturates. With ``cumulative=False`` flags come and go, as no detector has it."""
    rng = np.random.default_rng(seed)
    data = np.cumsum(rng.uniform(0, 9000, SHAPE), axis=1).astype(np.float32)
    data[rng.random(SHAPE) < 0.02] = np.nan
    saturated = rng.random(SHAPE) < 0.05
    if cumulative:
        saturated = np.maximum.accumulate(saturated, axis=1)
    groupdq = (rng.choice([0, 0, 0, 1, 4], SHAPE) | 2 * saturated).astype(np.uint8)
    model = ramp_model(
        data, groupdq=groupdq, group_time=GROUP_TIME, start_time=start, integration_time=SHAPE[1] * GROUP_TIME
    )
    model.meta.filename = f"seed{seed}.fits"
    if times:
        table = np.zeros(SHAPE[0], dtype=model.get_dtype("int_times"))
        table["integration_number"] = np.arange(SHAPE[0]) + 1
        table["int_start_MJD_UTC"] = start + np.arange(SHAPE[0]) * (SHAPE[1] + 1.5) * GROUP_TIME / 86400
        model.int_times = table
    return model


def theirs(model, **parameters):
    step = pytest.importorskip("jwst.persistence").PersistenceStep()
    for name, value in parameters.items():
        assert hasattr(step, name)
        setattr(step, name, value)
    step.skip = False
    return step.process(model.copy())


def ours(model, **parameters):
    return apply(PersistenceStep(skip=False, **parameters), model)


LENGTHS = [1, 10, 11, 32, 75, 107, 100000]


@pytest.mark.parametrize("persistence_time", LENGTHS)
@pytest.mark.parametrize("options", [{}, {"dn_threshold": 30000.0}, {"dn_threshold": 8000.0, "persistence_dnu": True}])
@pytest.mark.parametrize("how", [{}, {"times": False}, {"cumulative": False}])
def test_flags(persistence_time, options, how, agree):
    for seed in (1, 2):
        model = science(seed, **how)
        expected = theirs(model, persistence_time=persistence_time, **options)
        result = ours(model, persistence_time=persistence_time, **options)
        assert expected.meta.cal_step.persistence == "COMPLETE"
        agree([compare_flags("GROUPDQ", result.groupdq, expected.groupdq)])


def entry(path):
    with asdf.open(path, lazy_load=False, memmap=False) as file:
        found = dict(file["NRCA1"])
    order = np.lexsort((found["cols"], found["rows"]))
    return found | {name: np.asarray(found[name])[order] for name in ("rows", "cols", "vals")}


@pytest.mark.parametrize("later", [30, 300, 100000])
def test_windows_in_a_file(tmp_path, later, agree):
    """Each writes a file after a first exposure; each reads the other's before a second one."""
    first, second = science(3), science(4, start=START + (later + SHAPE[0] * SHAPE[1] * GROUP_TIME) / 86400)
    settings = {"persistence_time": 400}
    theirs(first, save_persistence=str(tmp_path / "theirs"), **settings)
    product = ours(first, save_persistence=str(tmp_path / "ours"), **settings).side_products[0]
    assert (product.output_file, product.output_ext) == (str(tmp_path / "ours"), ".asdf")
    product.model.save(tmp_path / "ours.asdf")
    found, expected = entry(tmp_path / "ours.asdf"), entry(tmp_path / "theirs.asdf")
    assert len(found["rows"]) > 20
    assert found["pers_time"] == expected["pers_time"]
    assert found["filename"] == expected["filename"]
    for name in ("rows", "cols"):
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_allclose(found["vals"], expected["vals"], rtol=0, atol=1e-6)
    reading = {"persistence_array_file": str(tmp_path / "ours.asdf"), "dn_threshold": 30000.0, **settings}
    after = theirs(second, save_persistence=str(tmp_path / "theirs.asdf"), **reading)
    reading["persistence_array_file"] = str(tmp_path / "theirs_first.asdf")
    theirs(first, save_persistence=reading["persistence_array_file"], **settings)
    result = ours(second, save_persistence="unused.asdf", **reading)
    assert isinstance(result, Produced)
    agree([compare_flags("GROUPDQ", result.results[0].groupdq, after.groupdq)])
    windows, expected = result.side_products[0].model, entry(tmp_path / "theirs.asdf")
    order = np.lexsort((windows.columns, windows.rows))
    np.testing.assert_array_equal(windows.rows[order], expected["rows"])
    np.testing.assert_array_equal(windows.columns[order], expected["cols"])
    np.testing.assert_allclose(windows.ends[order], expected["vals"], rtol=0, atol=1e-6)


def test_a_file_of_another_length_is_not_used(tmp_path, agree):
    first, second = science(5), science(6, start=START + 0.004)
    theirs(first, persistence_time=400, save_persistence=str(tmp_path / "w.asdf"))
    reading = {"persistence_time": 500, "persistence_array_file": str(tmp_path / "w.asdf")}
    agree([compare_flags("GROUPDQ", ours(second, **reading).groupdq, theirs(second, **reading).groupdq)])


@pytest.mark.filterwarnings("ignore")  # jwst 3.0.0 raises deprecation and numerical warnings of its own
def test_the_pipelines(exposure_and_cache, agree, tmp_path):
    """Both pipelines on a simulated exposure whose bright stars saturate: rates with flagged groups left out.

    So many groups are flagged that some integrations have no rate: fault_pixels.integration_void.
    """
    jwst_pipeline = pytest.importorskip("jwst.pipeline")
    config = simulate.ExposureConfig(
        detector="NRCALONG",
        readpatt="BRIGHT1",
        subarray="SUB64P",
        ngroups=8,
        nints=4,
        exp_type="NRC_TSIMAGE",
        scene=simulate.Scene(background=2000, density=5e-3, brightest=1e7),
    )
    exposure = exposure_and_cache(config)
    steps = {"persistence": {"skip": False, "persistence_time": 2, "dn_threshold": 20000.0, "persistence_dnu": True}}
    theirs_of_all = jwst_pipeline.Detector1Pipeline.call(str(exposure.path), steps=steps)
    ours_of_all = Detector1Pipeline.call(exposure.path, steps=steps, configure_log=False, output_dir=str(tmp_path))
    (rateints,) = tmp_path.glob("*_rateints.fits")
    void = integration_void(fits.getdata(rateints, "DQ"))
    assert 0 < np.count_nonzero(void) < void.size / 20
    assert ours_of_all.meta.cal_step.persistence == theirs_of_all.meta.cal_step.persistence == "COMPLETE"
    assert np.count_nonzero(ours_of_all.dq & dq.PERSISTENCE) > 50
    agree(compare_rates("rate", ours_of_all, theirs_of_all, leave_photons=void))
