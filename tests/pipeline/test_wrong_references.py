"""Any reference, right or wrong: it is used, or refused by one error that names it, before work; nothing is written.

A step of each type of reference calibrates a small exposure with it. Wrong ones come of good ones by one change.
"""

import io
import random
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from astropy.io import fits
from helpers.early_steps import COLUMNS, CORNER, ROWS, place, ramp_model
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stdatamodels.jwst import datamodels

from gpipe.controller.run import chunks
from gpipe.exceptions import GpipeError
from gpipe.pipeline import Detector1Pipeline

FRAME = (ROWS, COLUMNS)
MIRI = "MIRIMAGE"
RSCD = [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")]
DQ_DEF = [("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"), ("DESCRIPTION", "S80")]
FAMILIES = [(name, "f8") for name in ("capture0", "capture1", "capture2", "decay_param")]
often = settings(
    max_examples=6, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A type of reference: the step that uses it, its parameters, and what a good one is made of."""

    step: str
    model: str
    arrays: dict
    detector: str = "NRCA1"
    parameters: dict | None = None
    numbers: dict | None = None


def full(shape, value=1.0, dtype="f4"):
    return np.full(shape, value, dtype)


KINDS = {
    "mask": Kind("dq_init", "MaskModel", {"dq": full(FRAME, 0, "u4")}),
    "saturation": Kind("saturation", "SaturationModel", {"data": full(FRAME, 5e4), "dq": full(FRAME, 0, "u4")}),
    "superbias": Kind("superbias", "SuperBiasModel", {"data": full(FRAME), "dq": full(FRAME, 0, "u4")}),
    "linearity": Kind("linearity", "LinearityModel", {"coeffs": full((3, *FRAME)), "dq": full(FRAME, 0, "u4")}),
    "dark": Kind("dark_current", "DarkModel", {"data": full((6, *FRAME)), "dq": full(FRAME, 0, "u4")},
                 numbers={"nframes": 1, "groupgap": 0}),
    "ipc": Kind("ipc", "IPCModel", {"data": full((3, 3), 0.1)}),
    "gain": Kind("jump", "GainModel", {"data": full(FRAME)}, numbers={"gain_factor": 2.0}),
    "readnoise": Kind("jump", "ReadnoiseModel", {"data": full(FRAME)}),
    "reset": Kind("reset", "ResetModel", {"data": full((2, 4, *FRAME)), "dq": full(FRAME, 0, "u4")}, MIRI,
                  numbers={"nints": 2, "ngroups": 4}),
    "rscd": Kind("rscd", "RSCDModel", {"rscd_group_skip_table": np.array([("SUB64", "FASTR1", 1, 2)], RSCD)}, MIRI),
    "trappars": Kind("persistence", "TrapParsModel", {"trappars_table": np.ones(2, FAMILIES)},
                     parameters={"skip": False, "algorithm": "trap_model"}),
    "trapdensity": Kind("persistence", "TrapDensityModel", {"data": full(FRAME), "dq": full(FRAME, 0, "u4")},
                        parameters={"skip": False, "algorithm": "trap_model"}),
}  # fmt: skip
TOGETHER = {
    "saturation": ("superbias",),
    "gain": ("readnoise",),
    "readnoise": ("gain",),
    "trappars": ("trapdensity", "persat"),
    "trapdensity": ("trappars", "persat"),
}
CARDS = [
    "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "TFIELDS", "EXTNAME",
    "BSCALE", "BZERO", "TFORM1", "TFORM2", "TTYPE1", "TTYPE2", "REFTYPE", "TELESCOP", "INSTRUME", "DATAMODL",
    "SUBSTRT1", "SUBSTRT2", "SUBSIZE1", "SUBSIZE2", "NFRAMES", "GROUPGAP", "NINTS", "NGROUPS", "GAINFACT", "AVDRKCUR",
]  # fmt: skip
VALUES = [
    "-1", "0", "1", "2", "3", "8", "16", "-64", "2.5", "1.0", "-0.5", "20000", "99999999999", "1E300", "1E999", "T",
    "F", "''", "'abc     '", "'2       '", "NaN", "(1, 2)", "'\x7f'", "",
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of exposures and of good references."""
    folder = tmp_path_factory.mktemp("references")
    rng = np.random.default_rng(1)
    for detector, readpatt in (("NRCA1", "RAPID"), (MIRI, "FASTR1")):
        data = np.cumsum(rng.uniform(10, 20, (2, 6, *FRAME)), axis=1).astype(np.float32)
        model = ramp_model(data, detector=detector, readpatt=readpatt)
        model.meta.subarray.name = "SUB64"
        model.save(folder / f"{detector}_uncal.fits")
    extra = Kind("persistence", "PersistenceSatModel", {"data": full(FRAME, 5e4), "dq": full(FRAME, 0, "u4")})
    for reftype, kind in (KINDS | {"persat": extra}).items():
        model = place(getattr(datamodels, kind.model)(), CORNER, FRAME, kind.detector)
        for name, values in kind.arrays.items():
            setattr(model, name, values)
        for name, value in (kind.numbers or {}).items():
            setattr(model.meta.exposure, name, value)
        if "dq" in kind.arrays:
            model.dq_def = np.array([(0, 1, b"DO_NOT_USE", b""), (1, 2, b"HOT", b"")], DQ_DEF)
        model.save(folder / f"{reftype}.fits")
    return folder


@pytest.fixture(autouse=True)
def _no_crds(monkeypatch):
    monkeypatch.delenv("CRDS_PATH", raising=False)
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "true")


class Work:
    """Whether chunks of an exposure have been worked on."""

    began = False

    def watched(self, course, stages, through=chunks.Course.through):
        self.began = True
        return through(course, stages)


def calibrate(made, reftype, content):
    """Use a reference with this content: the error, or None, and whether work began before it."""
    kind, folder, work = KINDS[reftype], made / "work", Work()
    folder.mkdir(exist_ok=True)
    wrong, out = folder / "wrong.fits", folder / "out"
    out.mkdir(exist_ok=True)
    wrong.write_bytes(content)
    given = {f"override_{other}": made / f"{other}.fits" for other in TOGETHER.get(reftype, ())}
    step = Detector1Pipeline.step_defs[kind.step]
    error = None
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of astropy, about headers
        patch.setattr(chunks.Course, "through", lambda course, stages: work.watched(course, stages))
        try:
            step.call(made / f"{kind.detector}_uncal.fits", configure_log=False, output_dir=str(out),
                      **{f"override_{reftype}": wrong}, **given, **(kind.parameters or {}))  # fmt: skip
        except GpipeError as caught:
            error = caught
    written = [path.name for path in out.iterdir()]
    for path in out.iterdir():
        path.unlink()
    return error, work.began, written


def is_used_or_refused(made, reftype, content):
    error, began, written = calibrate(made, reftype, content)
    if error is None:
        assert len(written) == 1
        return
    message = str(error)
    assert (began, written) == (False, []), message
    assert "wrong.fits" in message
    assert "\n" not in message
    assert len(message) < 1000


@pytest.mark.parametrize("reftype", KINDS)
def test_good_ones_are_used(made, reftype):
    error, began, written = calibrate(made, reftype, (made / f"{reftype}.fits").read_bytes())
    assert error is None
    assert began
    assert len(written) == 1


@pytest.mark.parametrize("reftype", KINDS)
@often
@given(seed=st.integers(0, 2**32))
def test_ones_with_another_card(made, reftype, seed):
    rng = random.Random(seed)
    content = bytearray((made / f"{reftype}.fits").read_bytes())
    places = [
        place for place in range(0, len(content), 80)
        if content[place : place + 8].decode("latin1").strip() in CARDS and content[place + 8 : place + 9] == b"="
    ]  # fmt: skip
    place = rng.choice(places)
    card = content[place : place + 8].decode() + "= " + f"{rng.choice(VALUES):>20}"
    content[place : place + 80] = (card if rng.random() < 0.9 else "").ljust(80).encode()
    is_used_or_refused(made, reftype, bytes(content))


@pytest.mark.parametrize("reftype", [reftype for reftype in KINDS if reftype not in ("rscd", "trappars")])
@often
@given(seed=st.integers(0, 2**32))
def test_ones_with_an_array_of_another_shape_or_type(made, reftype, seed):
    rng = random.Random(seed)
    with fits.open(made / f"{reftype}.fits") as hdus:
        names = [hdu.name for hdu in hdus if isinstance(hdu, fits.ImageHDU)]
        hdu = hdus[rng.choice(names)]
        shape = list(hdu.data.shape)
        change = rng.choice(["drop", "add", "size", "type", "none"])
        if change == "drop":
            shape = shape[1:]
        elif change == "add":
            shape = [rng.choice([1, 2]), *shape]
        elif change == "size":
            shape[rng.randrange(len(shape))] = rng.choice([1, 2, 5, ROWS, COLUMNS])
        dtype = rng.choice(["u1", "i2", "i4", "i8", "u2", "u4", "f4", "f8"])
        hdu.data = np.ones(shape, dtype) if change != "none" else None
        out = io.BytesIO()
        hdus.writeto(out)
    is_used_or_refused(made, reftype, out.getvalue())


TABLES = {"rscd": "RSCD_GROUP_SKIP", "trappars": "TRAPPARS", "mask": "DQ_DEF", "dark": "DQ_DEF"}


@pytest.mark.parametrize("reftype", TABLES)
@often
@given(seed=st.integers(0, 2**32))
def test_ones_with_another_table(made, reftype, seed):
    rng = random.Random(seed)
    with fits.open(made / f"{reftype}.fits") as hdus:
        table = hdus[TABLES[reftype]].data
        columns = {name: np.array(table[name]) for name in table.names}
        name = rng.choice(list(columns))
        values = columns.pop(name)
        change = rng.choice(["drop", "type", "name", "case", "value", "rows", "image"])
        if change == "case":
            columns = {key.swapcase(): value for key, value in (columns | {name: values}).items()}
        elif change == "name":
            columns["other"] = values
        elif change == "type":
            columns[name] = np.full((len(values), *rng.choice([(), (2,)])), rng.choice([7, -1, 2.5, np.nan, "a"]))
        elif change == "value":
            columns[name] = np.full(len(values), rng.choice([-1, 2**40, np.inf]) if values.dtype.kind != "U" else "é?")
        if change == "image":
            new = fits.ImageHDU(np.ones(3, "f4"), name=TABLES[reftype])
        else:
            rows = 0 if change == "rows" else len(values)
            dtype = [(key, v.dtype if v.dtype.kind != "U" else "S20", v.shape[1:]) for key, v in columns.items()]
            data = np.zeros(rows, dtype or [("a", "i4")])
            for key, value in columns.items():
                data[key] = np.char.encode(value[:rows], "latin1") if value.dtype.kind == "U" else value[:rows]
            new = fits.BinTableHDU(data, name=TABLES[reftype])
        hdus[TABLES[reftype]] = new
        out = io.BytesIO()
        hdus.writeto(out)
    is_used_or_refused(made, reftype, out.getvalue())


@pytest.mark.parametrize("reftype", KINDS)
@often
@given(seed=st.integers(0, 2**32))
def test_ones_with_damaged_bytes(made, reftype, seed):
    rng = random.Random(seed)
    content = bytearray((made / f"{reftype}.fits").read_bytes())
    for _ in range(rng.randint(1, 4)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    if rng.random() < 0.3:
        del content[rng.randrange(len(content)) :]
    is_used_or_refused(made, reftype, bytes(content))
