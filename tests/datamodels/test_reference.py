import os
import subprocess
import sys
import tracemalloc
from types import SimpleNamespace

import asdf
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from stdatamodels import schema as mschema
from stdatamodels.jwst import datamodels

from gpipe import dq
from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Reference, Window, open_exposure
from gpipe.datamodels.files.fits_reader import FitsFile
from gpipe.datamodels.references.types import TYPES, extension
from gpipe.exceptions import ReferenceFileError

WINDOW = Window(91, 191, 32, 40)
INSIDE = Window(101, 201, 12, 16)  # of the exposure in conftest


def referenced(model, reftype, *, instrument="NIRCAM", window=WINDOW):
    """Metadata that CRDS demands of a reference."""
    model.meta.instance.update(
        reftype=reftype,
        telescope="JWST",
        description="test",
        author="me",
        pedigree="DUMMY",
        useafter="2020-01-01T00:00:00",
    )
    model.meta.instrument.instance.update(name=instrument, detector="NRCALONG")
    if window is not None:
        model.meta.subarray.instance.update(
            name="GENERIC", xstart=window.xstart, ystart=window.ystart, xsize=window.xsize, ysize=window.ysize
        )
    return model


def make_dark(groups=6):
    rng = np.random.default_rng(2)
    dark = datamodels.DarkModel()
    dark.data = rng.normal(size=(groups, WINDOW.ysize, WINDOW.xsize)).astype(np.float32)
    dark.average_dark_current = rng.normal(size=(WINDOW.ysize, WINDOW.xsize)).astype(np.float32)
    dark.meta.exposure.instance.update(nframes=1, groupgap=3, ngroups=groups)
    dark.dq = rng.integers(0, 4, (WINDOW.ysize, WINDOW.xsize), dtype=np.uint32)
    return referenced(dark, "DARK")


@pytest.fixture
def dark(tmp_path):
    path = tmp_path / "dark.fits"
    make_dark().save(str(path))
    return Reference("dark", path)


def cut(array, window=INSIDE):
    rows = slice(window.ystart - WINDOW.ystart, window.ystart - WINDOW.ystart + window.ysize)
    return array[..., rows, window.xstart - WINDOW.xstart : window.xstart - WINDOW.xstart + window.xsize]


def test_names_that_a_header_records(tmp_path, monkeypatch):
    make_dark().save(str(tmp_path / "dark.fits"))
    monkeypatch.chdir(tmp_path)
    assert Reference("dark", "dark.fits").name == str(tmp_path / "dark.fits")
    assert Reference("dark", "dark.fits", "crds://jwst_dark_1.fits").name == "crds://jwst_dark_1.fits"
    assert Reference("dark", make_dark()).name == "override://DarkModel"


def test_arrays_of_a_file_and_of_a_model_are_the_same(dark):
    model = make_dark()
    for reference in (dark, Reference("dark", model)):
        assert reference.window == WINDOW
        for name in ("data", "dq", "average_dark_current"):
            values = reference.read(name)
            np.testing.assert_array_equal(values, model.instance[name])
            assert values.dtype == (np.uint32 if name == "dq" else np.float32)
            assert values.dtype.isnative
            assert reference.shape(name) == values.shape
            np.testing.assert_array_equal(reference.read(name, window=INSIDE), cut(values))
        assert reference.has("average_dark_current")
        assert not reference.has("err")


@pytest.mark.parametrize(
    "first", [0, -1, slice(None), slice(1, 4), slice(4, 0, -2), slice(None, None, -1), (2,), (slice(0, 2),), [3, 1]]
)
def test_only_the_groups_that_are_asked_for(first, dark):
    whole = make_dark().data
    for reference in (dark, Reference("dark", make_dark())):
        np.testing.assert_array_equal(reference.read("data", first=first), whole[first])
        np.testing.assert_array_equal(reference.read("data", window=INSIDE, first=first), cut(whole[first]))


def test_indices_of_two_leading_axes(tmp_path):
    values = np.arange(2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)
    path = tmp_path / "dark.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values, name="SCI")]).writeto(path)
    for first in (1, (1,), (slice(None), 2), (1, slice(1, 3)), (0, 1)):
        np.testing.assert_array_equal(Reference("dark", path).read("data", first=first), values[first])


def test_what_is_not_needed_of_a_dark_is_not_read(dark, monkeypatch):
    read = []

    def counting(*args, preadv=os.preadv):
        read.append(preadv(*args))
        return read[-1]

    monkeypatch.setattr(os, "preadv", counting)
    monkeypatch.setenv("GPIPE_NATIVE", "0")  # the C version does not call Python's
    dark.read("data", window=INSIDE, first=slice(0, 2))
    assert sum(read) == 2 * INSIDE.ysize * WINDOW.xsize * 4


def test_what_is_read_of_an_open_model_cannot_be_written_to():
    model = make_dark()
    values = Reference("dark", model).read("data", window=INSIDE)
    assert np.shares_memory(values, model.data)
    with pytest.raises(ValueError, match="read-only"):
        values[...] = 0


def test_a_plane_is_cut_to_the_exposure_and_on_its_device(dark, uncal_path, backend):
    ramp = open_exposure(uncal_path, backend)
    np.testing.assert_array_equal(dark.plane("data", ramp, first=1), cut(make_dark().data[1]))


def test_metadata_are_read_when_asked_for(dark, monkeypatch):
    assert (dark.meta.exposure.nframes, dark.meta.exposure.groupgap) == (1, 3)
    monkeypatch.setattr(FitsFile, "model_without_pixels", None)
    assert dark.meta.instrument.name == "NIRCAM"


def test_flags_come_in_the_bits_of_jwst(tmp_path):
    definitions = np.array(
        [(0, 1, "DO_NOT_USE", ""), (1, 2, "HOT", "hot"), (2, 4, "DEAD", ""), (31, 2**31, "UNRELIABLE_BIAS", "")],
        dtype=datamodels.MaskModel().get_default("dq_def").dtype,
    )
    own = np.array([[0, 1, 2], [3, 4, 7]], dtype=np.uint32)
    path = tmp_path / "mask.fits"
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(own, name="DQ"), fits.BinTableHDU(definitions, name="DQ_DEF")]
    fits.HDUList(hdus).writeto(path)
    expected = [[0, dq.DO_NOT_USE, dq.HOT], [dq.DO_NOT_USE | dq.HOT, dq.DEAD, dq.DO_NOT_USE | dq.HOT | dq.DEAD]]
    np.testing.assert_array_equal(Reference("mask", path).read("dq"), expected)
    with datamodels.MaskModel(str(path)) as model:
        np.testing.assert_array_equal(Reference("mask", model).read("dq"), expected)


def test_a_reference_without_flags_has_clean_ones(tmp_path):
    gain = referenced(datamodels.GainModel(np.ones((WINDOW.ysize, WINDOW.xsize), np.float32)), "GAIN")
    gain.save(str(tmp_path / "gain.fits"))
    for source in (tmp_path / "gain.fits", gain):
        flags = Reference("gain", source).read("dq", window=INSIDE)
        assert (flags.shape, flags.dtype, flags.any()) == ((INSIDE.ysize, INSIDE.xsize), np.uint32, np.False_)


@pytest.mark.parametrize(("instrument", "shape"), [("NIRISS", (2048, 2048)), ("MIRI", (1024, 1032))])
def test_a_full_frame_needs_no_subarray_keywords(instrument, shape, tmp_path):
    path = tmp_path / "gain.fits"
    primary = fits.PrimaryHDU()
    primary.header["INSTRUME"] = instrument
    fits.HDUList([primary, fits.ImageHDU(np.zeros(shape, np.uint8), name="SCI")]).writeto(path)
    assert Reference("gain", path).window == Window(1, 1, shape[1], shape[0])


def test_a_subarray_without_keywords_is_refused(tmp_path):
    path = tmp_path / "gain.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((32, 64), np.float32), name="SCI")]).writeto(path)
    with pytest.raises(ReferenceFileError, match=r"gain\.fits: found no SUBSTRT1.* for 64 columns and 32 rows"):
        Reference("gain", path).read("data", window=INSIDE)
    assert Reference("gain", path).read("data").shape == (32, 64)


def test_sizes_that_contradict_the_array_are_ignored_with_a_warning(caplog):
    gain = datamodels.GainModel(np.zeros((WINDOW.ysize, WINDOW.xsize), np.float32))
    reference = Reference("gain", referenced(gain, "GAIN", window=Window(91, 191, 2048, 2048)))
    assert reference.window == WINDOW
    assert "SUBSIZE1=2048" in caplog.text


def test_interleaved_frames_are_used_whole():
    data = np.broadcast_to(np.arange(3200, dtype=np.float32)[:, None], (3200, 2048))
    full = Window(1, 1, 2048, 2048)
    reference = Reference("superbias", referenced(datamodels.SuperBiasModel(data), "SUPERBIAS", window=full))
    assert reference.read("data", window=full).shape == (3200, 2048)


@pytest.mark.parametrize(("rows", "expected"), [(2048, 3200), (3200, 2048)])
def test_reference_pixels_of_irs2_readout_are_in_both_or_in_none(rows, expected):
    bias = datamodels.SuperBiasModel(data=np.zeros((rows, 3), np.float32))
    reference = Reference("superbias", referenced(bias, "SUPERBIAS", window=Window(1, 1, 3, 2048)))
    exposure = SimpleNamespace(
        data=np.zeros((1, 1, expected, 3), np.float32),
        window=reference.window,
        backend=NumpyBackend(),
        is_interleaved=expected == 3200,
    )
    with pytest.raises(ReferenceFileError, match=f"found {rows} rows; expected {expected} as in the exposure"):
        reference.plane("data", exposure)


def exposure_meta(uncal_path, backend):
    return open_exposure(uncal_path, backend).meta


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"meta.reftype": "GAIN"}, ("REFTYPE = GAIN", "expected dark")),
        ({"meta.telescope": "HST"}, ("TELESCOP = HST", "expected JWST")),
        ({"meta.instrument.name": "NIRISS"}, ("INSTRUME = NIRISS", "expected NIRCAM")),
        ({"meta.subarray.xstart": 102}, ("columns 102-133", "covers columns 101-112, rows 201-216")),
        ({"meta.subarray.ystart": 170}, ("rows 170-209", "rows 201-216")),
        ({"meta.subarray.ystart": 0}, ("SUBSTRT2=0",)),
        ({"data": np.zeros((32, 40), np.float32)}, ("data of shape (32, 40)", "3 or 4 axes")),
        ({"dq": np.zeros((8, 8), np.uint32)}, ("dq of shape (8, 8)",)),
    ],
)
def test_a_reference_that_cannot_match_is_refused_beforehand(change, words, uncal_path, backend, monkeypatch):
    dark = make_dark()
    for path, value in change.items():
        *nodes, name = path.split(".")
        node = dark.instance
        for key in nodes:
            node = node[key]
        node[name] = value
    with pytest.raises(ReferenceFileError) as caught:
        Reference("dark", dark).check(exposure_meta(uncal_path, backend))
    assert "\n" not in str(caught.value)
    for word in ("dark reference", *words):
        assert word in str(caught.value)


def test_good_references_pass(dark, uncal_path, backend):
    meta = exposure_meta(uncal_path, backend)
    dark.check(meta)
    Reference("dark", make_dark()).check(meta)
    kernel = referenced(datamodels.IPCModel(np.ones((5, 5), np.float32)), "IPC", window=None)
    Reference("ipc", kernel).check(meta)
    Reference("gain", datamodels.GainModel(np.ones((2048, 2048), np.float32))).check(meta)  # says nothing about itself


def test_a_reference_without_its_array_is_refused(dark, uncal_path, backend):
    with pytest.raises(ReferenceFileError, match=r"found no array coeffs; expected one \(extension COEFFS\)"):
        Reference("linearity", make_dark()).shape("coeffs")
    with pytest.raises(ReferenceFileError, match="inv_coeffs"):
        dark.read("inv_coeffs")


@pytest.mark.parametrize("content", [None, b"", b"hello"])
def test_a_file_that_is_missing_or_not_fits(content, tmp_path):
    path = tmp_path / "gain.fits"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReferenceFileError) as caught:
        Reference("gain", path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_reference(tmp_path):
    path = tmp_path / "dark.fits"
    make_dark().save(str(path))
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(ReferenceFileError, match="truncated"):
        Reference("dark", path)


def test_tables_are_structured_arrays_with_their_true_values(tmp_path):
    table = np.array([(2**31 + 5, "a", [1.5, 2.5])], dtype=[("value", "u4"), ("name", "S4"), ("pair", "f4", 2)])
    path = tmp_path / "refpix.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(table, name="IRS2")]).writeto(path)
    read = Reference("refpix", path).read("irs2_table")
    assert read["value"].tolist() == [2**31 + 5]
    assert read["name"].tolist() == ["a"]
    assert read["pair"].tolist() == [[1.5, 2.5]]
    assert all(read.dtype[name].isnative for name in read.dtype.names)


TABLES = {
    "as stored": np.array([(1.5, [2, 3]), (np.nan, [-4, 5])] * 40_000, dtype=[("a", "f4"), ("b", "i4", 2)]),
    "shifted": np.array([(1.5, 2**31 + 5), (2.5, 3)], dtype=[("a", "f4"), ("b", "u4")]),
    "with text": np.array([(1.5, "x"), (2.5, "yz")], dtype=[("a", "f4"), ("b", "S4")]),
    "with booleans": np.array([(1.5, True), (2.5, False)], dtype=[("a", "f4"), ("b", "?")]),
    "empty": np.array([], dtype=[("a", "f4"), ("b", "f8")]),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("ending", ["fits", "fits.gz"])
def test_tables_have_native_values_of_every_kind(tmp_path, kind, ending):
    table, path = TABLES[kind], tmp_path / f"refpix.{ending}"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(table, name="IRS2")]).writeto(path)
    read = Reference("refpix", path).read("irs2_table")
    assert len(read) == len(table)
    for name in ("a", "b"):
        expected = table[name].astype(str) if table[name].dtype.kind == "S" else table[name]
        assert read[name].dtype.isnative
        np.testing.assert_array_equal(read[name], expected)


def test_a_table_is_in_memory_once(tmp_path):
    table, path = np.ones(200_000, dtype=[("a", "f4"), ("b", "f4")]), tmp_path / "refpix.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(table, name="IRS2")]).writeto(path)
    reference = Reference("refpix", path)
    tracemalloc.start()
    try:
        reference.read("irs2_table")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * table.nbytes


def arrays_in_schema(model_class):
    found = {}

    def visit(subschema, path, combiner, ctx, recurse):
        if "fits_hdu" in subschema and "datatype" in subschema and len(path) == 1:
            found[path[0]] = subschema

    mschema.walk_schema(model_class().schema, visit)
    return found


OTHERS = ("DarkNirspecModel", "DarkMIRIModel", "RSCDModel")


@pytest.mark.parametrize("name", [*(known.model for known in TYPES.values()), *OTHERS])
def test_extensions_are_those_of_the_schema(name):
    schema = arrays_in_schema(getattr(datamodels, name))
    assert {array: extension(array) for array in schema} == {array: s["fits_hdu"] for array, s in schema.items()}


@pytest.mark.parametrize("reftype", sorted(TYPES))
def test_types_are_those_of_the_schema(reftype):
    known = TYPES[reftype]
    model_class = getattr(datamodels, known.model)
    assert model_class().get_primary_array_name() == known.primary
    ndim = arrays_in_schema(model_class)[known.primary].get("ndim")
    assert ndim is None or ndim in known.dimensions


@pytest.fixture
def kernels(tmp_path):
    model = referenced(datamodels.SIRSKernelModel(), "sirskernel", window=None)
    coefficients = np.arange(12).reshape(4, 3) * (1 + 2j)
    model["nrca1"] = {"gamma": coefficients, "zeta": 2 * coefficients}
    model.save(str(tmp_path / "kernels.asdf"))
    return tmp_path / "kernels.asdf", model


def test_nested_arrays_of_an_asdf_file_and_of_a_model(kernels):
    path, model = kernels
    for reference in (Reference("sirskernel", path), Reference("sirskernel", model)):
        assert reference.has("nrca1.zeta")
        assert not reference.has("nrca2.zeta")
        assert not reference.has("nrca1.zeta.more")
        assert reference.shape("nrca1.gamma") == (4, 3)
        np.testing.assert_array_equal(reference.read("nrca1.zeta"), 2 * np.arange(12).reshape(4, 3) * (1 + 2j))
    assert Reference("sirskernel", path).name == str(path)
    assert Reference("sirskernel", path).meta.reftype == "sirskernel"


def test_an_asdf_reference_of_plain_values_needs_no_plugin_of_asdf_and_one_of_others_has_them(kernels, tmp_path):
    other = tmp_path / "other.asdf"
    asdf.AsdfFile({"length": units.Quantity(2.0, "m"), "meta": {"telescope": "JWST"}}).write_to(other)
    program = """
import sys
from gpipe.datamodels import Reference
assert Reference("sirskernel", sys.argv[1]).read("nrca1.gamma").shape == (4, 3)
heavy = {"astropy.modeling", "astropy.coordinates", "asdf_astropy.integration", "gwcs"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
assert Reference("other", sys.argv[2]).model.instance["length"].to_value("cm") == 200
"""
    subprocess.run([sys.executable, "-c", program, kernels[0], other], check=True)


def test_an_asdf_reference_of_another_instrument_is_refused(kernels):
    meta = datamodels.RampModel().meta
    meta.instrument.name = "NIRISS"
    with pytest.raises(ReferenceFileError, match=r"kernels.asdf: found INSTRUME = NIRCAM; expected NIRISS"):
        Reference("sirskernel", kernels[0]).check(meta)


def test_a_damaged_asdf_reference_is_told(tmp_path):
    path = tmp_path / "broken.asdf"
    path.write_text("no asdf")
    with pytest.raises(ReferenceFileError, match=r"broken.asdf: cannot be read as an ASDF data model"):
        Reference("sirskernel", path)


def test_numbers_of_the_header_need_no_model(dark, monkeypatch):
    monkeypatch.delattr(FitsFile, "model_without_pixels")
    for reference in (dark, Reference("dark", make_dark())):
        assert (reference.number("exposure.nframes"), reference.number("exposure.groupgap")) == (1, 3)
        assert reference.number("exposure.gain_factor") is None


@pytest.mark.parametrize("value", ["two", True])
def test_what_should_be_a_number_and_is_none(value, dark):
    with fits.open(dark.name, mode="update") as hdus:
        hdus[0].header["NFRAMES"] = value
    with pytest.raises(ReferenceFileError, match=f"dark reference .*: found NFRAMES = {value!r}; expected a number"):
        Reference("dark", dark.name).number("exposure.nframes")
