import numpy as np
import pytest
from helpers import imaging_files as files
from helpers.stub_exposures import references

from gpipe.datamodels import Image, open_exposure
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.photom import PhotomStep
from gpipe.photom.conversion import MICROJANSKYS


def run(model, photom, area="N/A", **parameters):
    return PhotomStep.call(model, override_photom=photom, override_area=area, **parameters)


@pytest.mark.parametrize("instrument", files.INSTRUMENTS)
def test_values_become_brightness(instrument):
    model, photom = files.rate(instrument), files.photom(instrument)
    result = run(model, photom, files.area(instrument))
    factor = photom.phot_table["photmjsr"][0 if instrument == "FGS" else 1]
    good = ~np.isnan(result.data)
    np.testing.assert_allclose(result.data[good], model.data[good] * factor, rtol=1e-6)
    photometry = result.meta.photometry
    assert photometry.conversion_megajanskys == factor
    assert photometry.conversion_microjanskys == pytest.approx(factor * MICROJANSKYS)
    assert (photometry.pixelarea_steradians, photometry.pixelarea_arcsecsq) == (2.2e-14, 9.4e-4)
    assert (result.meta.bunit_data, result.meta.bunit_err) == ("MJy/sr", "MJy/sr")
    assert result.meta.cal_step.photom == "COMPLETE"
    assert model.meta.bunit_data == "DN/s"


def test_the_type_of_the_source_has_no_effect_on_an_image():
    ones = [run(files.rate(), files.photom(), source_type=name).data for name in (None, "POINT")]
    np.testing.assert_array_equal(*ones)


def test_the_area_is_that_of_the_window():
    area = files.area()
    result = run(files.rate(shape=(10, 12), corner=(104, 206)), files.photom(), area)
    np.testing.assert_array_equal(result.area, area.data[5:15, 3:15], strict=True)


@pytest.mark.parametrize("given", [None, (None, 3e-4)], ids=["no area", "empty keyword"])
def test_the_photom_reference_tells_the_area_of_a_pixel_too(given):
    area = "N/A" if given is None else files.area(areas=given)
    result = run(files.rate(), files.photom(areas=(1e-14, 2e-4)), area)
    photometry = result.meta.photometry
    assert (photometry.pixelarea_steradians, photometry.pixelarea_arcsecsq) == (1e-14, given[1] if given else 2e-4)
    assert ("area" in result.instance) == (given is not None)


def test_subarrays_of_nircam_are_looked_up_where_the_table_has_them():
    photom = files.photom()
    table = np.zeros(2, [*photom.phot_table.dtype.descr, ("subarray", "S15")])
    table["filter"], table["pupil"], table["subarray"] = "F150W", "CLEAR", ["FULL", "SUB640"]
    table["photmjsr"] = [2, 3]
    photom.phot_table = table
    assert run(files.rate(), photom).meta.photometry.conversion_megajanskys == 3
    assert run(files.rate(subarray="SUB320"), photom).meta.cal_step.photom == "SKIPPED"


def test_no_row(caplog):
    model = files.rate(filter="F090W")
    result = run(model, files.photom(), files.area())
    assert result.meta.cal_step.photom == "SKIPPED"
    assert "has no row for FILTER=F090W, PUPIL=CLEAR" in caplog.text
    np.testing.assert_array_equal(result.data, model.data)
    assert result.meta.bunit_data == "DN/s"
    assert result.meta.photometry.conversion_megajanskys is None


def test_two_rows():
    photom = files.photom()
    table = np.array(photom.phot_table)
    table["filter"], table["pupil"] = "F150W", "CLEAR"
    photom.phot_table = table
    with pytest.raises(ReferenceFileError, match="found 4 rows for FILTER=F150W, PUPIL=CLEAR; expected one"):
        run(files.rate(), photom)


def test_the_loss_with_time_is_corrected_unless_it_is_not_wanted():
    photom = files.photom("MIRI", laws=("exponential",))
    factor, law = photom.phot_table["photmjsr"][1], photom.timecoeff_exponential[1]
    lost = law["amplitude"] * np.exp(-(files.TIME - law["t0"]) / law["tau"]) + law["const"]
    found = run(files.rate("MIRI"), photom).meta.photometry.conversion_megajanskys
    assert found == pytest.approx(float(factor) / float(lost), rel=1e-6)
    result = run(files.rate("MIRI"), photom, apply_time_correction=False)
    assert result.meta.photometry.conversion_megajanskys == factor


@pytest.mark.parametrize("change", ["shorter", "in another order", "without a column"])
def test_tables_that_are_not_alike(change):
    photom = files.photom("MIRI", laws=("exponential",))
    table = np.asarray(photom.timecoeff_exponential)
    rows = {"shorter": table[:-1], "in another order": table[::-1], "without a column": table[["filter", "t0"]]}
    photom.instance["timecoeff_exponential"] = rows[change].copy()
    with pytest.raises(ReferenceFileError, match=r"photom reference .* in timecoeff_exponential; expected"):
        run(files.rate("MIRI"), photom)


def test_no_time():
    with pytest.raises(InputError, match="found no EXPMID"):
        run(files.rate(mid_time=None), files.photom(laws=("linear",)))


@pytest.mark.parametrize("kind", ["NRC_WFSS", "MIR_MRS", "NIS_WFSS", "NRS_IFU"])
def test_spectra_are_refused(kind):
    model = files.rate()
    instruments = {"NRC": "NIRCAM", "MIR": "MIRI", "NIS": "NIRISS", "NRS": "NIRSPEC"}
    model.meta.instrument.name, model.meta.exposure.type = instruments[kind[:3]], kind
    with pytest.raises(InputError, match=f"found EXP_TYPE {kind}, expected an image"):
        PhotomStep().check(model.meta, references())


@pytest.mark.parametrize("kind", ["NIS_AMI", "NIS_SOSS"])
def test_cubes_of_niriss_are_left_in_count_rates(kind, caplog):
    model = files.rate("NIRISS", (2, 10, 12), type=kind)
    result = run(model, files.photom("NIRISS"), files.area("NIRISS"))
    assert result.meta.cal_step.photom == "SKIPPED"
    assert "are not converted" in caplog.text
    assert ("area" in result.instance) == (result.meta.photometry.pixelarea_arcsecsq is not None) == (kind == "NIS_AMI")
    np.testing.assert_array_equal(result.data, model.data)


def test_an_image_in_flight_stays_one():
    from gpipe.backends.numpy import NumpyBackend

    result = run(open_exposure(files.rate(), NumpyBackend()), files.photom(), files.area())
    assert type(result) is Image
    assert result.var_flat is None
    assert result.area.shape == result.shape
