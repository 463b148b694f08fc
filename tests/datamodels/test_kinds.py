"""A kind of exposure needs a class with planes, nothing else: shown by cutouts, which no other file knows."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import pytest
from helpers.small_models import describe
from helpers.strict_backend import StrictBackend
from hypothesis import given
from hypothesis import strategies as st
from stdatamodels.jwst import datamodels

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Exposure, Ramp, Rate, Window, open_exposure, read_header, to_model, write
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import arrays_of, chunk_of_rows, chunks_of, cut, trim, without_halo
from gpipe.datamodels.exposures.planes import Plane
from gpipe.datamodels.files.reading import moved
from gpipe.exceptions import InputError

INTEGRATIONS, ROWS, COLUMNS = SHAPE = (3, 16, 12)
CONTEXTS = 2


@dataclass(frozen=True, kw_only=True)
class Cutout(Exposure):
    """Calibrated pixels of one source, of the exposure or of each integration."""

    planes: ClassVar[Mapping[str, Plane]] = {
        "data": Plane("iyx|yx", extension="SCI"),
        "dq": Plane("iyx|yx", "uint32", zeros=True),
        "err": Plane("iyx|yx"),
        "wavelength": Plane("yx", optional=True),
        "con": Plane("kyx", "int32", optional=True),
        "var_flat": Plane("iyx|yx", optional=True, announced_by="exposure.zero_frame"),
    }
    tables: ClassVar[tuple[str, ...]] = ("int_times",)
    fields: ClassVar[tuple[str, ...]] = ("name", "xstart")
    label: ClassVar[str] = "a cutout"
    models: ClassVar[Mapping[str, str]] = {"ImageModel": "yx", "CubeModel": "iyx"}
    units: ClassVar[Mapping[str, str]] = {"bunit_data": "MJy"}

    dq: Any
    err: Any
    wavelength: Any = None
    con: Any = None
    var_flat: Any = None
    name: str | None = None
    xstart: int | None = None


def make_model(shape=SHAPE):
    rng = np.random.default_rng(11)
    is_cube = len(shape) == 3
    model = datamodels.CubeModel() if is_cube else datamodels.ImageModel()
    describe(model, (shape[0] if is_cube else 1, 1, *shape[-2:]), subarray=(101, 201))
    model.data, model.err = rng.normal(size=(2, *shape)).astype(np.float32)
    model.dq = rng.integers(0, 1 << 32, shape, np.uint32)
    model.wavelength = rng.normal(size=shape[-2:]).astype(np.float32)
    model.instance["con"] = rng.integers(0, 1 << 31, (CONTEXTS, *shape[-2:]), np.int32)
    model.instance.update(name="star", xstart=17)
    return model


@pytest.fixture
def model():
    return make_model()


def read(source, backend=None, **part):
    return open_exposure(read_header(source, expects=(Cutout,)), backend or NumpyBackend(), **part)


def of_kind(cutout):
    """What is a plane, and what is left."""
    arrays = dict(arrays_of(cutout))
    return arrays, {f.name: getattr(cutout, f.name) for f in fields(cutout) if f.name in Cutout.fields}


@pytest.mark.parametrize("shape", [SHAPE, SHAPE[1:]])
@pytest.mark.parametrize("form", ["model", "fits", "asdf"])
def test_it_is_read(shape, form, tmp_path):
    model = make_model(shape)
    if len(shape) == 3:
        del model.instance["con"]  # cubes have none in their schema, so files neither
    source = model if form == "model" else tmp_path / f"cutout.{form}"
    if form != "model":
        model.save(str(source))
    cutout = read(source)
    assert type(cutout) is Cutout
    assert type(cutout.header) is type(model)
    arrays, values = of_kind(cutout)
    assert arrays.keys() == {name for name in Cutout.planes if model.instance.get(name) is not None}
    for name, found in arrays.items():
        assert found.dtype == Cutout.planes[name].dtype
        np.testing.assert_array_equal(found, model.instance[name])
        assert name not in cutout.header.instance
    assert values == {"name": "star", "xstart": 17}


def test_only_the_rows_and_columns_that_are_asked_for_are_read(model, tmp_path):
    del model.instance["con"]
    model.save(str(tmp_path / "cutout.fits"))
    cutout = read(tmp_path / "cutout.fits", rows=slice(3, 9), columns=slice(2, 5))
    for name, found in arrays_of(cutout):
        np.testing.assert_array_equal(found, model.instance[name][..., 3:9, 2:5])
    assert cutout.window == Window(103, 204, 3, 6)


@pytest.mark.parametrize("announced", [True, False, None])
def test_an_announced_plane_counts_where_the_metadata_say_so(model, announced):
    model.var_flat = np.ones(SHAPE, np.float32)
    model.meta.exposure.zero_frame = announced
    assert (read(model).var_flat is not None) is (announced is True)


def test_flags_that_are_missing_are_zeros(model):
    del model.instance["dq"]
    for cutout, shape in ((read(model), SHAPE), (read(model, rows=slice(2, 5)), (INTEGRATIONS, 3, COLUMNS))):
        np.testing.assert_array_equal(cutout.dq, np.zeros(shape, np.uint32), strict=True)


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("dq", SHAPE[1:], "(3, 16, 12)"),
        ("err", (2, ROWS, COLUMNS), "(3, 16, 12)"),
        ("wavelength", (ROWS, COLUMNS + 1), "(16, 12)"),
        ("con", (CONTEXTS, ROWS + 1, COLUMNS), "(None, 16, 12)"),
    ],
)
def test_a_wrong_shape_is_refused(model, name, shape, expected):
    model.instance[name] = np.ones(shape, Cutout.planes[name].dtype)  # flags that nobody has set would be left out
    with pytest.raises(InputError) as caught:
        read(model)
    assert f"found {name} of shape {shape}; expected {expected} beside" in str(caught.value)


def test_a_missing_plane_is_refused(model):
    del model.instance["err"]
    with pytest.raises(InputError, match=r"found no err; expected \(3, 16, 12\)"):
        read(model)


def test_other_kinds_are_refused_by_their_names(model, uncal_path):
    with pytest.raises(InputError, match=r"found a ramp .* expected a cutout"):
        read(uncal_path)
    with pytest.raises(InputError, match="found no var_poisson"):
        read_header(model, expects=(Rate,))
    with pytest.raises(InputError, match="found a cutout; expected a ramp"):
        read_header(read(model), expects=(Ramp,))


@given(length=st.integers(1, ROWS), halo=st.integers(0, 3), on_disk=st.booleans())
def test_rows_put_together_are_the_whole(length, halo, on_disk):
    cutout = read(make_model())
    assembly = Assembly(ROWS, by_rows=True, on_disk=on_disk)
    for chunk in chunks_of(ROWS, length, halo=halo):
        piece = cut(cutout, chunk)
        for name, values in arrays_of(piece):
            np.testing.assert_array_equal(values, getattr(cutout, name)[..., chunk.with_halo, :])
        assert piece.window == cutout.window.part(chunk.with_halo, None)
        assembly.add(chunk, [trim(piece, chunk.core)])
    assert_same(assembly.whole()[0], cutout)


@given(length=st.integers(1, INTEGRATIONS))
def test_integrations_put_together_are_the_whole(length):
    cutout = read(make_model())
    assembly = Assembly(INTEGRATIONS, by_rows=False)
    for chunk in chunks_of(INTEGRATIONS, length, by_rows=False):
        piece = cut(cutout, chunk)
        np.testing.assert_array_equal(piece.err, cutout.err[chunk.own])
        np.testing.assert_array_equal(piece.wavelength, cutout.wavelength)
        np.testing.assert_array_equal(piece.con, cutout.con)
        assembly.add(chunk, [piece])
    assert_same(assembly.whole()[0], cutout)


def test_rows_and_columns_are_cut_together(model):
    cutout = read(model)
    chunk = chunk_of_rows(4, 8, total=ROWS, halo=1, columns=chunk_of_rows(3, 6, total=COLUMNS, halo=2))
    piece = cut(cutout, chunk)
    assert piece.window == cutout.window.part(slice(3, 9), slice(1, 8))
    for name, values in arrays_of(without_halo(piece, chunk)):
        np.testing.assert_array_equal(values, getattr(cutout, name)[..., 4:8, 3:6])


def test_planes_that_no_step_changed_are_those_of_the_exposure_before(model):
    cutout = read(model)
    assembly = Assembly(ROWS, by_rows=True, stored=cutout, unchanged=["wavelength", "con"])
    for chunk in chunks_of(ROWS, 5):
        assembly.add(chunk, [replace(cut(cutout, chunk), data=cutout.data[:, chunk.own] + 1)])
    (whole,) = assembly.whole()
    assert whole.wavelength is cutout.wavelength
    np.testing.assert_array_equal(whole.data, cutout.data + 1)


def assert_same(found, expected):
    (arrays, values), (other_arrays, other_values) = of_kind(found), of_kind(expected)
    assert (arrays.keys(), values, found.rows) == (other_arrays.keys(), other_values, None)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, other_arrays[name], err_msg=name, strict=True)


def test_it_moves_to_another_device_and_back(model):
    cutout, strict = read(model), StrictBackend()
    there = moved(cutout, strict)
    assert all(values.device == strict.device for _, values in arrays_of(there))
    chunk = cut(there, chunk_of_rows(2, 5, total=ROWS))
    np.testing.assert_array_equal(strict.to_host(chunk.con), cutout.con[:, 2:5])
    assert_same(moved(there, NumpyBackend()), cutout)


@pytest.mark.parametrize("missing", [(), ("dq",), ("con", "wavelength")])
def test_its_bytes_are_known_before_pixels_are_read(model, missing):
    for name in missing:
        del model.instance[name]
    header = read_header(model, expects=(Cutout,))
    cutout = open_exposure(header, NumpyBackend())
    assert header.nbytes == sum(values.nbytes for _, values in arrays_of(cutout)) == read_header(cutout).nbytes


def test_it_is_written(tmp_path):
    cutout = replace(read(make_model(SHAPE[1:])), name="galaxy", wavelength=None)
    write(to_model(cutout), tmp_path / "again.fits")
    assert_same(read(tmp_path / "again.fits"), cutout)


def test_made_of_another_kind_it_gets_a_model_of_its_class(uncal_path):
    ramp = open_exposure(uncal_path, NumpyBackend())
    zeros = np.zeros(SHAPE, np.float32)
    product = to_model(Cutout(ramp.header, ramp.backend, data=zeros, dq=zeros.astype(np.uint32), err=zeros, xstart=5))
    assert type(product) is datamodels.CubeModel
    assert (product.meta.bunit_data, product.xstart, product.instance.get("name")) == ("MJy", 5, None)
    assert product.meta.observation.date == ramp.meta.observation.date
    np.testing.assert_array_equal(product.int_times, ramp.header.int_times)
