"""What the header of a product says about software and references."""

import pytest
from stdatamodels.jwst import datamodels

import gpipe
from gpipe.controller.products import provenance


@pytest.fixture(params=[datamodels.RampModel, datamodels.ImageModel, datamodels.CubeModel, datamodels.IFUImageModel])
def model(request):
    return request.param()


def keywords(model, path):
    """Header of the file that the model is saved to."""
    from astropy.io import fits

    model.save(path)
    return fits.getheader(path)


def test_keywords_in_the_file(model, tmp_path):
    used = {"superbias": "crds://jwst_nircam_superbias_0001.fits", "gain": "/mine/gain.fits", "ipc": "N/A"}
    used["readnoise"] = "override://ReadnoiseModel"
    provenance.record(model.meta, used, context="jwst_0001.pmap", crds_version="14.0.3")
    header = keywords(model, tmp_path / "product.fits")
    assert header["CAL_VER"] == f"gpipe {gpipe.__version__}"
    assert header["CAL_VCS"] == "RELEASE"
    assert header["R_SUPERB"] == "crds://jwst_nircam_superbias_0001.fits"
    assert header["R_GAIN"] == "/mine/gain.fits"
    assert header["R_IPC"] == "N/A"
    assert header["R_READNO"] == "override://ReadnoiseModel"
    assert header["CRDS_CTX"] == "jwst_0001.pmap"
    assert header["CRDS_VER"] == "14.0.3"
    assert "R_MASK" not in header


def test_without_crds_there_are_no_crds_keywords(model, tmp_path):
    provenance.record(model.meta, {"gain": "/mine/gain.fits"})
    header = keywords(model, tmp_path / "product.fits")
    assert "CRDS_CTX" not in header
    assert "CRDS_VER" not in header
    assert "CAL_VER" in header


def test_what_earlier_steps_recorded_stays(model):
    provenance.record(model.meta, {"mask": "crds://mask.fits", "gain": "crds://gain.fits"}, context="jwst_0001.pmap")
    provenance.record(model.meta, {"gain": "/mine/gain.fits"})
    assert model.meta.ref_file.mask.name == "crds://mask.fits"
    assert model.meta.ref_file.gain.name == "/mine/gain.fits"
    assert model.meta.ref_file.crds.context_used == "jwst_0001.pmap"


def test_a_type_without_a_keyword_is_left_out(model):
    provenance.record(model.meta, {"pictureframe": "crds://x.fits", "nonsense": "y"})
    found = model.to_flat_dict()
    assert not [path for path in found if "pictureframe" in path or "nonsense" in path]


def test_revision_of_a_development_copy(model, monkeypatch):
    monkeypatch.setattr(gpipe, "__version__", "0.2.0.dev3+gabc123")
    provenance.record(model.meta, {})
    assert model.meta.calibration_software_version == "gpipe 0.2.0.dev3+gabc123"
    assert model.meta.calibration_software_revision == "gabc123"
