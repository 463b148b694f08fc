import numpy as np
import pytest
from helpers import imaging_files as files

from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.flatfield import FlatFieldStep

PLACE = {"corner": (104, 206)}


def test_the_flat_of_the_window_is_applied(caplog):
    model, flat = files.rate(shape=(10, 12), **PLACE), files.flat()
    result = FlatFieldStep.call(model, override_flat=flat)
    window = flat.data[5:15, 3:15]
    good = ~np.isnan(result.data)
    assert good.mean() > 0.5
    np.testing.assert_allclose(result.data[good], model.data[good] / window[good], rtol=1e-6)
    reference = result.meta.ref_file
    assert reference.flat.name == "override://FlatModel"
    assert {getattr(reference, name).name for name in ("fflat", "sflat", "dflat")} == {"N/A"}
    assert model.meta.cal_step.flat_field is None


def test_a_flat_that_the_user_supplies_is_named_in_the_header(tmp_path):
    files.flat().save(tmp_path / "mine.fits")
    result = FlatFieldStep.call(files.rate(), user_supplied_flat=str(tmp_path / "mine.fits"))
    assert result.meta.ref_file.flat.name == str(tmp_path / "mine.fits")
    np.testing.assert_array_equal(result.data, FlatFieldStep.call(files.rate(), override_flat=files.flat()).data)


@pytest.mark.parametrize("inverse", [False, True])
def test_the_flat_is_saved_as_it_is_applied(tmp_path, monkeypatch, inverse):
    from stdatamodels.jwst import datamodels

    monkeypatch.chdir(tmp_path)
    model, flat = files.rate(shape=(10, 12), **PLACE), files.flat()
    FlatFieldStep.call(model, override_flat=flat, save_interpolated_flat=True, inverse=inverse)
    with datamodels.FlatModel("small_interpolatedflat.fits") as saved:
        assert saved.data.shape == (10, 12)
        assert (saved.meta.subarray.xstart, saved.meta.subarray.ystart) == PLACE["corner"]
        usable = (saved.dq & 1) == 0
        np.testing.assert_array_equal(saved.data[usable], flat.data[5:15, 3:15][usable])
        assert (saved.data[~usable] == 1).all()


@pytest.mark.parametrize(
    ("changes", "flat", "reason"),
    [
        ({}, "N/A", "no flat reference applies"),
        ({}, files.flat(shape=(8, 20)), "20 columns and 8 rows"),
        ({"extract_2d": "COMPLETE"}, files.flat(), "extract_2d"),
        ({"instrument": "NIRSPEC", "type": "NRS_AUTOFLAT"}, None, "NRS_AUTOFLAT"),
    ],
    ids=["none", "smaller", "cut out", "autoflat"],
)
def test_skipped(changes, flat, reason, caplog):
    model = files.rate()
    model.meta.instrument.name = changes.get("instrument", "NIRCAM")
    model.meta.exposure.type = changes.get("type", "NRC_IMAGE")
    model.meta.cal_step.extract_2d = changes.get("extract_2d")
    result = FlatFieldStep.call(model, override_flat=flat)
    assert result.meta.cal_step.flat_field == "SKIPPED"
    assert reason in caplog.text
    np.testing.assert_array_equal(result.data, model.data)


def test_spectra_of_nirspec_are_refused():
    model = files.rate()
    model.meta.instrument.name, model.meta.exposure.type = "NIRSPEC", "NRS_MSASPEC"
    overrides = {f"override_{name}": "N/A" for name in FlatFieldStep.reference_file_types}
    with pytest.raises(InputError, match=r"found EXP_TYPE NRS_MSASPEC, expected an image"):
        FlatFieldStep.call(model, **overrides)


def test_a_flat_without_errors_is_refused():
    flat = files.flat()
    del flat.instance["err"]
    with pytest.raises(ReferenceFileError, match="found no array err"):
        FlatFieldStep.call(files.rate(), override_flat=flat)


def test_a_flat_of_another_place_is_refused():
    with pytest.raises(ReferenceFileError, match="override_flat: flat reference"):
        FlatFieldStep.call(files.rate(), override_flat=files.flat(corner=(1, 1)))
