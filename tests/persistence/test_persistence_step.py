import logging
from dataclasses import replace

import asdf
import numpy as np
import pytest
from stdatamodels.jwst.datamodels import (
    PersistenceSatModel,
    RampModel,
    TrapDensityModel,
    TrapParsModel,
    TrapsFilledModel,
)

import gpipe.backends
from gpipe import dq
from gpipe.controller import References
from gpipe.datamodels import Ramp, Reference
from gpipe.exceptions import InputError, ParameterError, ReferenceFileError
from gpipe.persistence import PersistenceStep
from gpipe.persistence.time_window_exposure import group_times
from gpipe.persistence.trap_model_exposure import trap_families

ROWS, COLUMNS = 8, 6
START = 60000.0
COLUMN_NAMES = ("capture0", "capture1", "capture2", "decay_param")


def exposure(window=(1, 1, COLUMNS, ROWS), integrations=2, groups=4, start=START, **settings):
    shape = (integrations, groups, window[3], window[2])
    header = RampModel()
    header.meta.filename = "jw1_uncal.fits"
    header.meta.instrument.name, header.meta.instrument.detector = "NIRCAM", "NRCA1"
    subarray = header.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = window
    known = {
        "start_time": start,
        "end_time": start + 0.01,
        "group_time": 10.0,
        "frame_time": 5.0,
        "integration_time": 40.0,
        "nints": integrations,
        "ngroups": groups,
    }
    for name, value in (known | settings).items():
        setattr(header.meta.exposure, name, value)
    return Ramp(
        header=header,
        backend=gpipe.backends.get("numpy"),
        data=np.full(shape, 100, np.float32),
        groupdq=np.zeros(shape, np.uint8),
        pixeldq=np.zeros(shape[2:], np.uint32),
    )


def rising(**settings):
    """Light of 1000 DN in each group."""
    ramp = exposure(**settings)
    groups = np.arange(1, ramp.data.shape[1] + 1, dtype=np.float32)[:, None, None]
    return replace(ramp, data=ramp.data * groups * 10)


def saturate(ramp, row, column, group=2, integration=0):
    flags = ramp.groupdq.copy()
    flags[integration, group:, row, column] |= dq.SATURATED
    return replace(ramp, groupdq=flags)


def run(ramp, references=None, **parameters):
    """``check``, then ``apply``: the result, and side products by suffix or file."""
    step = PersistenceStep(skip=False, **parameters)
    references = references or References({})
    step.check(ramp.meta, references)
    out = step.apply(ramp, references)
    if isinstance(out, Ramp):
        return out, {}
    return out.results[0], {product.suffix or product.output_file: product.model for product in out.side_products}


def flagged(ramp, bit=dq.PERSISTENCE):
    return (ramp.groupdq & bit) != 0


# --- time windows -----------------------------------------------------------------------------------------------------


def test_a_window_opens_at_saturation(caplog):
    caplog.set_level(logging.INFO, "gpipe")
    out, products = run(saturate(exposure(), 3, 2), persistence_time=25)
    expected = np.zeros(out.groupdq.shape, bool)
    expected[0, 2:, 3, 2] = expected[1, 0, 3, 2] = True
    np.testing.assert_array_equal(flagged(out), expected)
    assert not flagged(out, dq.DO_NOT_USE).any()
    assert products == {}
    assert "1 pixels were in a persistence window" in caplog.text


def test_options_of_windows():
    ramp = exposure()
    data = ramp.data.copy()
    data[1, 1, 0, 0] = 500
    out, _ = run(replace(ramp, data=data), persistence_time=5, dn_threshold=400, persistence_dnu=True)
    assert np.argwhere(flagged(out)).tolist() == [[1, 1, 0, 0]]
    np.testing.assert_array_equal(flagged(out), flagged(out, dq.DO_NOT_USE))


def save(ramp, path, **parameters):
    _, products = run(ramp, save_persistence=str(path), **parameters)
    (model,) = products.values()
    model = model.joined_with(path) if path.exists() else model
    model.save(path)


def test_windows_go_on_in_the_next_exposure(tmp_path):
    path = tmp_path / "windows.asdf"
    save(saturate(exposure(), 3, 2, integration=1), path, persistence_time=100)
    after = 95 / 86400
    out, _ = run(exposure(start=START + after), persistence_time=100, persistence_array_file=path)
    # It opened after 70 s and is open until 170 s; the groups now end after 105 s to 135 s, and 145 s to 175 s.
    expected = [[0, group, 3, 2] for group in range(4)] + [[1, group, 3, 2] for group in range(3)]
    assert np.argwhere(flagged(out)).tolist() == expected
    later, _ = run(exposure(start=START + 1), persistence_time=100, persistence_array_file=path)
    earlier, _ = run(exposure(start=START - 1), persistence_time=100, persistence_array_file=path)
    assert not flagged(later).any()
    assert not flagged(earlier).any(), "windows of a later exposure"


def test_windows_of_other_parts_of_the_detector_are_found_and_kept(tmp_path):
    """Full frame, then a subarray of it, then full frame again."""
    path, settings = tmp_path / "windows.asdf", {"persistence_time": 10_000}
    save(saturate(saturate(exposure(), 0, 0), 5, 4), path, **settings)
    part = exposure(window=(3, 5, 3, 4), start=START + 0.01)
    out, _ = run(part, persistence_array_file=path, **settings)
    assert np.argwhere(flagged(out).any(axis=(0, 1))).tolist() == [[1, 2]]
    save(saturate(part, 3, 0), path, persistence_array_file=path, **settings)
    whole, _ = run(exposure(start=START + 0.02), persistence_array_file=path, **settings)
    assert np.argwhere(flagged(whole).any(axis=(0, 1))).tolist() == [[0, 0], [5, 4], [7, 2]]


def test_the_file_keeps_other_detectors(tmp_path):
    path = tmp_path / "windows.asdf"
    save(saturate(exposure(), 0, 0), path, persistence_time=500)
    other = saturate(exposure(), 1, 1)
    other.meta.instrument.detector = "NRCB2"
    save(other, path, persistence_time=500)
    with asdf.open(path) as file:
        assert {"NRCA1", "NRCB2"} <= set(file.tree)
        assert file["NRCB2"]["filename"] == "jw1_uncal.fits"
        assert (file["NRCA1"]["rows"][0], file["NRCB2"]["rows"][0]) == (0, 1)


def test_files_that_open_no_window(tmp_path, caplog):
    caplog.set_level(logging.INFO, "gpipe")
    path = tmp_path / "windows.asdf"
    nowhere, _ = run(exposure(), persistence_time=500, persistence_array_file=path)
    assert "no window is open before the exposure" in caplog.text
    save(saturate(exposure(), 0, 0), path, persistence_time=500)
    other_length, _ = run(exposure(start=START + 0.001), persistence_time=400, persistence_array_file=path)
    assert "found windows of 500 s, expected 400 s" in caplog.text
    ramp = exposure(start=START + 0.001)
    ramp.meta.instrument.detector = "NRCB2"
    other_detector, _ = run(ramp, persistence_time=500, persistence_array_file=path)
    assert "does not name NRCB2" in caplog.text
    assert not any(flagged(out).any() for out in (nowhere, other_length, other_detector))


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        ({"NRCA1": {"rows": [1], "cols": [1]}}, "found no vals, pers_time for NRCA1"),
        (
            {"NRCA1": {"rows": [1, 2], "cols": [1], "vals": [1.0], "pers_time": 5}},
            "found rows, cols and vals of shapes",
        ),
        ({"NRCA1": {"rows": [100], "cols": [1], "vals": [1.0], "pers_time": 5}}, "found pixels outside the exposure"),
        (None, "cannot be read as an ASDF file"),
    ],
)
def test_wrong_files(tmp_path, tree, problem):
    path = tmp_path / "wrong.asdf"
    if tree is None:
        path.write_text("no ASDF")
    else:
        asdf.AsdfFile(tree).write_to(path)
    with pytest.raises(InputError, match=f"wrong.asdf: {problem}"):
        run(exposure(), persistence_time=5, persistence_array_file=path)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({}, "persistence_time: found None, expected the length of a window"),
        ({"persistence_time": 5, "save_persistence": True}, "save_persistence: found True, expected a file name"),
        ({"algorithm": "trap_model", "save_persistence": "x.asdf"}, "save_persistence: found 'x.asdf', expected True"),
    ],
)
def test_parameters_that_do_not_go_together(parameters, problem):
    with pytest.raises(ParameterError, match=problem):
        run(exposure(), **parameters)


@pytest.mark.parametrize(("given", "stored"), [("no", False), ("True", True), (False, False), ("w.asdf", "w.asdf")])
def test_one_parameter_of_two_meanings(given, stored):
    assert PersistenceStep(save_persistence=given).save_persistence == stored


def test_values_that_cannot_be():
    for name, value in (
        ("persistence_time", 0),
        ("persistence_time", 2.5),
        ("algorithm", "traps"),
        ("dn_threshold", "x"),
    ):
        with pytest.raises(ParameterError, match=name):
            PersistenceStep(**{name: value})


def table(starts, first=1):
    rows = np.zeros(len(starts), dtype=[("integration_number", "i4"), ("int_start_MJD_UTC", "f8")])
    rows["integration_number"] = np.arange(len(starts)) + first
    rows["int_start_MJD_UTC"] = starts
    return rows


def seconds(ramp):
    return np.round(np.array(group_times(ramp)) - (START - 40587) * 86400, 3).tolist()


def test_group_times():
    ramp = exposure(integrations=2, groups=2, integration_time=25.0)
    assert seconds(ramp) == [10, 20, 35, 45]
    ramp.header.instance["int_times"] = table([START + n / 864 for n in range(4)])
    assert seconds(ramp) == [10, 20, 110, 120]
    ramp.meta.exposure.integration_start = 3
    assert seconds(ramp) == [210, 220, 310, 320]
    ramp.meta.exposure.integration_start = 4
    assert seconds(ramp) == [10, 20, 35, 45], "the table does not name integration 5"


@pytest.mark.parametrize("starts", [[0.0, 0.0], [START, np.nan], [START + 1, START]])
def test_times_that_cannot_be_true_are_not_used(starts):
    ramp = exposure(integrations=2, groups=2, integration_time=None)
    ramp.header.instance["int_times"] = table(starts)
    assert seconds(ramp) == [10, 20, 30, 40]


def test_an_exposure_without_a_start():
    with pytest.raises(InputError, match=r"found nothing for meta.exposure.start_time"):
        run(exposure(start_time=None), persistence_time=5)


# --- trap model -------------------------------------------------------------------------------------------------------


def placed(model, window=(1, 1, COLUMNS, ROWS)):
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = window
    return model


def references(families=((0.0, -0.1, 0.0, -0.01), (0.5, -0.02, 0.1, -0.001))):
    pixels = np.full((ROWS, COLUMNS), 50, np.float32), np.full((ROWS, COLUMNS), 6e4, np.float32)
    models = {
        "trapdensity": placed(TrapDensityModel(data=pixels[0])),
        "persat": placed(PersistenceSatModel(data=pixels[1])),
        "trappars": TrapParsModel(trappars_table=np.array(list(families), [(name, "f8") for name in COLUMN_NAMES])),
    }
    return References({reftype: Reference(reftype, model) for reftype, model in models.items()})


def filled(path, values, end=START - 100 / 86400):
    model = TrapsFilledModel(data=values)
    model.meta.exposure.end_time = end
    model.save(path)
    return path


@pytest.fixture
def earlier(tmp_path):
    """Traps of the first family, as many as the pixel's number."""
    values = np.zeros((2, ROWS, COLUMNS), np.float32)
    values[0] = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    return filled(tmp_path / "first_trapsfilled.fits", values)


def test_decay_since_an_earlier_exposure(earlier):
    window = (2, 3, 4, 5)
    out, products = run(
        exposure(window=window),
        references(),
        algorithm="trap_model",
        input_trapsfilled=earlier,
        save_persistence=True,
        flag_pers_cutoff=2,
    )
    traps = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)[2:7, 1:5] * np.exp(-1)
    expected = traps * (1 - np.exp(-0.01 * 10 * np.arange(1, 5)))[:, None, None]
    np.testing.assert_allclose(100 - out.data[0], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(products["output_pers"].data[0], expected, rtol=1e-4, atol=1e-4)
    highest = products["output_pers"].data.max(axis=(0, 1))
    np.testing.assert_array_equal(out.pixeldq, np.where(highest >= 2, dq.PERSISTENCE, 0))
    assert 0 < np.count_nonzero(out.pixeldq) < out.pixeldq.size
    unflagged, _ = run(
        exposure(), references(), algorithm="trap_model", input_trapsfilled=earlier, flag_pers_cutoff=None
    )
    assert (unflagged.pixeldq == 0).all()


def test_traps_of_the_whole_detector_are_saved(earlier, tmp_path):
    window = (2, 3, 4, 5)
    parameters = {"algorithm": "trap_model", "save_trapsfilled": True}
    _, products = run(rising(window=window), references(), input_trapsfilled=earlier, **parameters)
    model = products["trapsfilled"]
    assert type(model).__name__ == "TrapsFilledModel"
    assert model.data.shape == (2, ROWS, COLUMNS)
    assert model.data.dtype == np.float32
    elapsed = 100 + 80 + 5
    traps = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * np.exp(-elapsed / 100)
    np.testing.assert_allclose(model.data[0], traps, rtol=1e-4, atol=1e-5)
    inside = model.data[1, 2:7, 1:5]
    assert (inside > 0).all(), "these captured charge"
    assert model.data[1].sum() == inside.sum()
    found = model.meta.subarray
    assert (found.name, found.xstart, found.ystart, found.xsize, found.ysize) == ("GENERIC", 1, 1, COLUMNS, ROWS)
    assert model.meta.exposure.end_time == START + 0.01
    model.save(tmp_path / "second_trapsfilled.fits")
    again, _ = run(
        exposure(start=START + 0.02),
        references(),
        algorithm="trap_model",
        input_trapsfilled=tmp_path / "second_trapsfilled.fits",
    )
    assert (again.data < 100).any()


@pytest.mark.parametrize("nothing", ["", "None"])
def test_without_an_earlier_exposure_all_traps_are_empty(nothing):
    out, products = run(
        rising(nresets_at_start=2, nresets_between_ints=0),
        references(),
        algorithm="trap_model",
        input_trapsfilled=nothing,
        save_trapsfilled=True,
    )
    np.testing.assert_array_equal(out.data[0], rising().data[0])
    assert (out.data[1] < rising().data[1]).all()
    assert products["trapsfilled"].data[1].min() > 0


def test_earlier_traps_that_do_not_fit(earlier, tmp_path):
    ramp, parameters = exposure(), {"algorithm": "trap_model"}
    with pytest.raises(InputError, match=r"input_trapsfilled .*found shape \(2, 8, 6\), expected \(3, 8, 6\)"):
        run(ramp, references([(0, -1, 0, -1)] * 3), input_trapsfilled=earlier, **parameters)
    values = np.zeros((2, ROWS, COLUMNS), np.float32)
    late = filled(tmp_path / "late.fits", values, end=START + 1)
    with pytest.raises(InputError, match="expected one that ended before this one started"):
        run(ramp, references(), input_trapsfilled=late, **parameters)
    timeless = filled(tmp_path / "timeless.fits", values, end=None)
    with pytest.raises(InputError, match="found an exposure that ended at MJD None"):
        run(ramp, references(), input_trapsfilled=timeless, **parameters)
    with pytest.raises(ReferenceFileError, match=r"missing\.fits"):
        run(ramp, references(), input_trapsfilled=tmp_path / "missing.fits", **parameters)


def test_trap_families():
    with pytest.raises(ReferenceFileError, match="found an empty table"):
        trap_families(references([])["trappars"])
    first, _ = trap_families(references()["trappars"])
    assert (first.exponential, first.capture_rate, first.instantaneous, first.decay_rate) == (0, 0.1, 0, 0.01)


def test_references_are_asked_for_by_the_trap_model_only():
    assert PersistenceStep(algorithm="trap_model").wanted_references(None) == ("trapdensity", "trappars", "persat")
    assert PersistenceStep().wanted_references(None) == ()
