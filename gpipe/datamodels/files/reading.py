"""From a file or a model to an exposure in flight: metadata first, pixels when they are asked for."""

from dataclasses import dataclass, replace
from typing import Any

import array_api_compat

from gpipe.arrays import Array
from gpipe.arrays.interleaved import is_interleaved
from gpipe.backends import Backend
from gpipe.datamodels.exposures.checks import check_count_rate, check_ramp
from gpipe.datamodels.exposures.composite import is_of
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.ramp import Ramp, Superstripes
from gpipe.datamodels.exposures.rate import RATE_ARRAYS, Rate
from gpipe.datamodels.files.array_source import ALL
from gpipe.datamodels.files.jwst_models import model_class
from gpipe.datamodels.files.products import with_own_metadata
from gpipe.datamodels.files.sources import Source, find_source
from gpipe.exceptions import InputError

RAMP_MODELS = (None, "Level1bModel", "RampModel", "MIRIRampModel", "SuperstripeRampModel")
RAMPS = (Ramp, Superstripes)
_RATE_CLASSES = {"ImageModel": 2, "IFUImageModel": 2, "CubeModel": 3}
_SAID = {
    Ramp: "a ramp (uncal or ramp product)",
    Superstripes: "a ramp of superstripes",
    Rate: "a count-rate product (rate or rateints)",
}


@dataclass(frozen=True)
class Header:
    """Metadata of an exposure whose pixels have not been read.

    Attributes
    ----------
    model : a ``stdatamodels`` model without pixels, owned by whoever asked for it: `open_exposure` hands it to the
        exposure.
    name : file name or class of the input, for messages.
    kind : `Ramp` or `Rate`.
    shape : of the pixels: (integration, group, row, column), (integration, row, column) or (row, column).
    left_out : names of arrays of a file that are not read.
    """

    model: Any
    name: str
    kind: type[Exposure]
    shape: tuple[int, ...]
    source: "Source | Exposure"
    left_out: tuple[str, ...] = ()

    @property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree."""
        return self.model.meta


def read_header(source: Any, *, expects: tuple[type[Exposure], ...] = (*RAMPS, Rate)) -> Header:
    """Read the metadata of an exposure, once, and check what every step relies on.

    Parameters
    ----------
    source : path of a FITS (also ``.fits.gz``) or ASDF file, an open ``stdatamodels`` model, or an exposure in flight.
    expects : the kinds of exposure that the caller can use.

    Raises
    ------
    InputError
        The file is missing, damaged or something else than expected, or metadata are missing or contradict the
        pixels. No pixel is read before.
    """
    if isinstance(source, Header):
        _check_kind(source.name, source.kind, expects, "")
        return source
    if isinstance(source, Exposure):
        own = with_own_metadata(source).header
        header = Header(own, _name(source), type(source), tuple(source.data.shape), source)
        _check_kind(header.name, header.kind, expects, "")
        return header
    found = find_source(source)
    kind, shape = _kind(found, expects)
    header = Header(found.header(_model_class(kind, shape, found.model_type)), found.name, kind, shape, found)
    (check_ramp if kind in RAMPS else check_count_rate)(header.meta, shape, header.name)
    _check_shapes(found, kind, shape)
    return header


def crds_parameters(header: Header) -> dict[str, Any]:
    """What CRDS selects references and parameter files by: flat metadata paths and their values."""
    return header.model.get_crds_parameters()


def open_exposure(
    source: Any, backend: Backend, *, rows: slice | None = None, columns: slice | None = None
) -> Ramp | Superstripes | Rate:
    """Load an exposure, or some rows and columns of a ramp, onto a device.

    Parameters
    ----------
    source : what `read_header` accepts, or the `Header` itself, whose metadata then become the exposure's own.
    backend : where the arrays go.
    rows, columns : which of them; None for all. Only they are read. The metadata stay those of the whole.

    Returns
    -------
    Ramp, Superstripes or Rate. Of an open model or an exposure in flight the metadata are copied and the arrays
    are shared where they fit as they are (read-only); neither is ever written to. Missing DQ arrays are zeros. A
    zeroframe is loaded where ``meta.exposure.zero_frame`` (ZEROFRAM) says that there is one.

    Raises
    ------
    InputError
        As `read_header`, or the pixels cannot be read.
    """
    header = read_header(source)
    if isinstance(header.source, Exposure):
        return moved(replace(header.source, header=header.model), backend)
    if header.kind not in RAMPS:
        return _load_count_rate(header, header.source, backend)
    return _load_ramp(header, header.source, backend, rows, columns)


def _load_ramp(
    header: Header, source: Source, backend: Backend, rows: slice | None, columns: slice | None
) -> Ramp | Superstripes:
    cut = {"rows": rows or ALL, "columns": columns or ALL}

    def load(array: str) -> Array | None:
        there = array not in header.left_out and source.has(array)
        return source.load(array, backend, **cut) if there else None

    data = source.load("data", backend, **cut)
    xp = array_api_compat.array_namespace(data)
    device = array_api_compat.device(data)
    groupdq, pixeldq = load("groupdq"), load("pixeldq")
    flags = (*_flag_shape(header.kind, source)[:-2], *data.shape[-2:])
    arrays = {
        "data": data,
        "groupdq": xp.zeros(data.shape, dtype=xp.uint8, device=device) if groupdq is None else groupdq,
        "pixeldq": xp.zeros(flags, dtype=xp.uint32, device=device) if pixeldq is None else pixeldq,
        "zeroframe": load("zeroframe") if header.meta.exposure.zero_frame else None,
    }
    if header.kind is Superstripes:
        return Superstripes(header.model, backend, **arrays)
    more: dict[str, Any] = {name: load(name) for name in ("refout", "average_dark_current")}
    interleaved = rows is not None and is_interleaved(header.shape)
    where: dict[str, Any] = {"rows": rows, "columns": columns, "of_interleaved": interleaved}
    return Ramp(header.model, backend, **arrays, **more, **where)


def _flag_shape(kind: type[Exposure], source: Source) -> tuple[int, ...]:
    """The shape of a ramp's ``pixeldq``."""
    plane = source.shape("data")[-2:]
    return (source.superstripes, *plane) if kind is Superstripes else plane


def _load_count_rate(header: Header, source: Source, backend: Backend) -> Rate:
    return Rate(header.model, backend, **{array: source.load(array, backend) for array in RATE_ARRAYS})


def moved(exposure: Any, backend: Backend) -> Any:
    """The exposure with its arrays on another device; as it is where they are there already."""
    if exposure.backend.name == backend.name:
        return replace(exposure, backend=backend)
    arrays = {
        name: backend.to_device(exposure.backend.to_host(value))
        for name, value in vars(exposure).items()
        if array_api_compat.is_array_api_obj(value)
    }
    return replace(exposure, backend=backend, **arrays)


def _kind(source: Source, expects: tuple[type[Exposure], ...]) -> tuple[type[Exposure], tuple[int, ...]]:
    if source.reftype:
        raise InputError(f"{source.name}: found a {source.reftype} reference file; expected {_wanted(expects)}")
    if not source.has("data"):
        raise InputError(f"{source.name}: found no science array (SCI); expected {_wanted(expects)}")
    shape = source.shape("data")
    described = f"{source.model_type or 'no DATAMODL'} with a {len(shape)}-dimensional science array"
    if source.model_type in RAMP_MODELS and len(shape) == 4:
        kind: type[Exposure] = Superstripes if source.superstripes else Ramp
    elif _RATE_CLASSES.get(source.model_type or "") == len(shape):
        kind = Rate
    else:
        raise InputError(f"{source.name}: found {described}; expected {_wanted(expects)}")
    _check_kind(source.name, kind, expects, f" ({described})")
    return kind, shape


def _check_shapes(source: Source, kind: type[Exposure], shape: tuple[int, ...]) -> None:
    """The other arrays must fit the science array; a ramp may lack them, a rate may not."""
    if kind is Rate:
        expected = dict.fromkeys(RATE_ARRAYS, shape)
    else:
        plane = shape[-2:]
        flags = _flag_shape(kind, source)
        expected = {"groupdq": shape, "pixeldq": flags, "zeroframe": (shape[0], *plane), "average_dark_current": plane}
    for array, wanted in expected.items():
        found = source.shape(array) if source.has(array) else None
        if found != wanted and not (found is None and kind in RAMPS):
            described = f"no {array}" if found is None else f"{array} of shape {found}"
            raise InputError(f"{source.name}: found {described}; expected {wanted} beside a science array of {shape}")


def _check_kind(name: str, kind: type[Exposure], expects: tuple[type[Exposure], ...], described: str) -> None:
    if not is_of(kind, expects):
        raise InputError(f"{name}: found {_SAID[kind]}{described}; expected {_wanted(expects)}")


def _wanted(expects: tuple[type[Exposure], ...]) -> str:
    return " or ".join(_SAID[kind] for kind in expects)


def _name(exposure: Exposure) -> str:
    return exposure.meta.filename or f"open {type(exposure).__name__}"


def _model_class(kind: type[Exposure], shape: tuple[int, ...], model_type: str | None) -> type:
    own = {Ramp: "RampModel", Superstripes: "SuperstripeRampModel"}
    return model_class(own.get(kind, str(model_type)))
