"""Schemas that are put together here are those of asdf, and classes that are looked up alone those of stdatamodels."""

import copy
from importlib import import_module

import pytest
from asdf.schema import load_schema
from stdatamodels.jwst import datamodels

from gpipe.datamodels.files.jwst_models import MODULES, PACKAGE, model_class
from gpipe.datamodels.files.metadata import new_model
from gpipe.datamodels.files.schemas import schema_of

MORE = ("Level1bModel", "DarkModel", "WavelengthrangeModel", "WaveCorrModel", "SpecModel", "MultiSpecModel")
"""Models of other kinds: references, WCS with references to parts of the same schema, tables in lists."""

OF_REFERENCES = {
    "telescope": "JWST",
    "instrument": {"name": "NIRCAM"},
    "reftype": "sirskernel",
    "author": "nobody",
    "description": "none",
    "pedigree": "GROUND",
    "useafter": "2022-01-01T00:00:00",
}
"""Metadata that models of references complain about if they have none."""


@pytest.mark.parametrize("name", [*MODULES, *MORE])
def test_schemas_are_those_of_asdf(name):
    url = getattr(datamodels, name).schema_url
    assert schema_of(getattr(datamodels, name)) == load_schema(url, resolve_references=True)


@pytest.mark.parametrize("name", MODULES)
def test_each_class_is_in_its_module(name):
    assert model_class(name) is getattr(import_module(f"{PACKAGE}.{MODULES[name]}"), name)
    assert model_class(name) is getattr(datamodels, name)


def test_other_classes_are_looked_up_in_the_package(monkeypatch):
    assert model_class("DarkModel") is datamodels.DarkModel
    monkeypatch.setitem(MODULES, "RampModel", "moved_by_a_later_version")
    assert model_class("RampModel") is datamodels.RampModel
    with pytest.raises(AttributeError, match="NoSuchModel"):
        model_class("NoSuchModel")


@pytest.mark.parametrize("name", MODULES)
def test_a_model_with_a_shared_schema_does_not_write_to_it(name):
    shared = schema_of(model_class(name))
    before = copy.deepcopy(shared)
    model = new_model(model_class(name), {"meta": copy.deepcopy(OF_REFERENCES)})
    assert model.schema == model_class(name)().schema
    model.extend_schema({"type": "object", "properties": {"meta": {"type": "object", "properties": {"own": {}}}}})
    model.schema["properties"]["meta"]["properties"]["filename"]["title"] = "changed"
    assert shared == before
