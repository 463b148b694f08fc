"""Models with no more work than a run needs are the same as those of ``stdatamodels``."""

import subprocess
import sys
import warnings

import asdf
import gwcs
import numpy as np
import pytest
from astropy import coordinates, units
from astropy.io import fits
from astropy.modeling.models import Shift
from astropy.time import Time
from stdatamodels.jwst import datamodels

from gpipe.datamodels import Rate, open_exposure, read_header, to_model, write
from gpipe.datamodels.files.core_asdf import core_of_asdf, suited_to
from gpipe.datamodels.files.metadata import copied, new_model, take_over


def some_wcs():
    sky = gwcs.coordinate_frames.CelestialFrame(reference_frame=coordinates.ICRS(), unit=(units.deg, units.deg))
    detector = gwcs.coordinate_frames.Frame2D(name="detector", unit=(units.pix, units.pix))
    return gwcs.WCS([(detector, Shift(1) & Shift(2)), (sky, None)])


def rate_of(uncal_path, backend):
    ramp = open_exposure(uncal_path, backend)
    planes = {name: np.ones(ramp.data.shape[-2:], np.float32) for name in ("data", "err", "var_poisson", "var_rnoise")}
    return Rate(ramp.header, backend, dq=np.zeros(ramp.data.shape[-2:], np.uint32), **planes)


def test_only_the_core_is_known_within_the_block_and_everything_after_it():
    packages = {extension.package_name for extension in asdf.get_config().extensions}
    with core_of_asdf():
        assert {extension.package_name for extension in asdf.get_config().extensions} == {"asdf"}
        datamodels.RampModel()
    assert {extension.package_name for extension in asdf.get_config().extensions} == packages > {"asdf"}


def test_the_core_knows_the_types_that_asdf_knows_by_its_own_reader_of_manifests():
    core = [extension for extension in asdf.get_config().extensions if extension.package_name == "asdf"]
    program = """
import asdf, sys, yaml
from gpipe.datamodels.files.core_asdf import core_of_asdf
with core_of_asdf():
    found = asdf.get_config().extensions
print([(e.extension_uri, [(t.tag_uri, t.schema_uris, t.title, t.description) for t in e.tags]) for e in found])
assert sys.modules["asdf.extension._manifest"].yaml is yaml
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    tags = [(e.extension_uri, [(t.tag_uri, t.schema_uris, t.title, t.description) for t in e.tags]) for e in core]
    assert done.stdout.strip() == str(tags)
    assert len(tags) > 1


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ([1, "a", None, {"x": np.float32(2)}], True),
        (np.zeros(3, [("a", "f4")]), True),
        (units.Quantity(1, "m"), False),
        ({"deep": [Time("2025-01-01")]}, False),
        (some_wcs(), False),
        (asdf.tagged.TaggedDict({}, "tag:stsci.edu:gwcs/wcs-1.0.0"), False),
    ],
)
def test_what_needs_more_than_the_core_gets_it(value, plain):
    with suited_to({"value": value}):
        assert ({extension.package_name for extension in asdf.get_config().extensions} == {"asdf"}) == plain


@pytest.mark.filterwarnings("error::stdatamodels.exceptions.ValidationWarning")
def test_a_returned_model_takes_a_wcs_and_writes_it(uncal_path, backend, tmp_path):
    model = to_model(rate_of(uncal_path, backend))
    model.meta.wcs = some_wcs()
    assert model.meta.wcs(0, 0) == (1, 2)
    model.save(tmp_path / "one.fits")
    write(model.copy(), tmp_path / "two.fits")
    for name in ("one.fits", "two.fits"):
        with datamodels.open(tmp_path / name) as again:
            assert again.meta.wcs(0, 0) == (1, 2)


def test_a_returned_model_checks_what_is_set(uncal_path, backend):
    model = to_model(rate_of(uncal_path, backend))
    with pytest.warns(Warning, match=r"ngroups"):
        model.meta.exposure.ngroups = "many"
    assert model.meta.exposure.ngroups != "many"


def test_a_file_with_a_wcs_keeps_it(uncal_path, backend, tmp_path):
    with datamodels.RampModel(str(uncal_path)) as model:
        model.meta.wcs = some_wcs()
        model.save(tmp_path / "x_ramp.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        header = read_header(tmp_path / "x_ramp.fits")
    assert header.meta.wcs(0, 0) == (1, 2)
    assert to_model(open_exposure(header, backend)).meta.wcs(0, 0) == (1, 2)


@pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning")
def test_what_only_the_asdf_extension_has_is_kept_and_headers_overrule_it(uncal_path):
    with datamodels.Level1bModel(str(uncal_path)) as model:
        model.meta.instance["own"] = {"value": 3}
        model.meta.exposure.start_time = 1.0
        model.save(uncal_path)
    with fits.open(uncal_path, mode="update") as hdus:
        hdus[0].header["EXPSTART"] = 2.0
        del hdus["SCI"].header["S_REGION"]
        hdus[0].header["VISITGRP"] = False  # refused by the schema
    ours, theirs = read_header(uncal_path).model, datamodels.RampModel(str(uncal_path))
    assert ours.meta.instance["own"] == {"value": 3}
    assert ours.meta.exposure.start_time == 2.0
    for name in ("meta", "extra_fits", "history"):
        assert ours.instance.get(name) == theirs.instance.get(name), name


def test_users_switches_of_stdatamodels_count(uncal_path, monkeypatch):
    with fits.open(uncal_path, mode="update") as hdus:
        hdus[0].header["VISITGRP"] = 7
    monkeypatch.setenv("PASS_INVALID_VALUES", "true")
    assert read_header(uncal_path).meta.observation.visit_group == 7


def test_a_copy_has_its_own_tree():
    model = new_model(datamodels.ImageModel, {"meta": {"filename": "a.fits"}})
    again = copied(model)
    again.meta.filename = "b.fits"
    assert model.meta.filename == "a.fits"
    assert type(again) is datamodels.ImageModel


def test_calibrating_does_not_import_what_only_a_wcs_needs(uncal_path, tmp_path):
    program = f"""
import sys
from gpipe import backends
from gpipe.datamodels import Rate, open_exposure, to_model, with_own_metadata, write
ramp = open_exposure({str(uncal_path)!r}, backends.get("numpy"))
planes = dict(zip(("data", "err", "var_poisson", "var_rnoise"), ramp.data[0]))
rate = Rate(ramp.header, ramp.backend, dq=ramp.pixeldq, **planes)
write(to_model(with_own_metadata(rate)), {str(tmp_path / "x_rate.fits")!r})
print(*sorted({{"gwcs", "scipy", "stpipe", "astropy.modeling", "astropy.coordinates"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("model_class", [datamodels.ImageModel, datamodels.CubeModel, datamodels.IFUImageModel])
def test_another_class_takes_over_what_update_gives_it(model_class, uncal_path):
    header = read_header(uncal_path).model
    header.cal_logs = {"calwebb_detector1": ["one line"]}
    header.meta.instance["own"] = {"value": 3}
    theirs = model_class()
    theirs.update(header)
    ours = new_model(model_class)
    take_over(ours, header)
    for model in (ours, theirs):
        del model.meta.instance["date"]
    assert ours.to_flat_dict() == {key: value for key, value in theirs.to_flat_dict().items() if value is not None}
