"""From a file or a model to an exposure in flight: metadata first, pixels when they are asked for."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import array_api_compat

from gpipe.arrays import Array
from gpipe.arrays.interleaved import is_interleaved
from gpipe.backends import Backend
from gpipe.datamodels.exposures.chunks import arrays_of
from gpipe.datamodels.exposures.composite import Pieces, is_of
from gpipe.datamodels.exposures.image import Image
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.planes import ALL, Plane
from gpipe.datamodels.exposures.ramp import Ramp, Superstripes
from gpipe.datamodels.exposures.rate import Rate
from gpipe.datamodels.files.jwst_models import model_class
from gpipe.datamodels.files.products import fitting_header
from gpipe.datamodels.files.sources import Source, find_source
from gpipe.datamodels.files.warnings import first_line
from gpipe.exceptions import GpipeError, InputError

log = logging.getLogger(__name__)

KINDS: tuple[type[Exposure], ...] = (Ramp, Superstripes, Rate, Image)


@dataclass(frozen=True)
class Header:
    """Metadata of an exposure whose pixels have not been read.

    Attributes
    ----------
    model : a ``stdatamodels`` model without pixels, owned by whoever asked for it: `open_exposure` hands it to the
        exposure.
    name : file name or class of the input, for messages.
    kind : of the exposure, one of `KINDS` or of those that the caller expects.
    shape : of the pixels: (integration, group, row, column), (integration, row, column) or (row, column).
    left_out : names of arrays of a file that are not read.
    """

    model: Any
    name: str
    kind: type[Exposure]
    shape: tuple[int, ...]
    source: "Source | Exposure" = field(repr=False)
    left_out: tuple[str, ...] = ()

    @property
    def meta(self) -> Any:
        """The ``stdatamodels`` metadata tree."""
        return self.model.meta

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each axis by its letter, see `Plane`."""
        return self.kind.sizes(self.meta, self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all planes in flight, with those that a source lacks and that are zeros."""
        sizes = self.sizes
        found = {name: self.shape_of(name) for name in self.kind.planes}
        return sum(
            plane.nbytes(found[name] or plane.shape(sizes))
            for name, plane in self.kind.planes.items()
            if found[name] or not plane.optional
        )

    def shape_of(self, plane: str) -> tuple[int, ...] | None:
        """Shape of a plane of the source; None where that has none, or where it is not read."""
        if isinstance(self.source, Exposure):
            values = getattr(self.source, plane)
            return None if values is None else tuple(values.shape)
        return self.source.shape(plane) if plane not in self.left_out and self.source.has(plane) else None

    @property
    def in_memory(self) -> int:
        """Bytes of arrays that are in memory before any are read: those of an ASDF file."""
        return 0 if isinstance(self.source, Exposure) else self.source.in_memory


def read_header(source: Any, *, expects: tuple[type[Exposure], ...] = ()) -> Header:
    """Read the metadata of an exposure, once, and check what every step relies on.

    Parameters
    ----------
    source : path of a FITS (also ``.fits.gz``) or ASDF file, an open ``stdatamodels`` model, or an exposure in flight.
    expects : the kinds of exposure that the caller can use, any if empty. They may be others than `KINDS`, and come
        first where a source could be of several.

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
        header = Header(fitting_header(source), _name(source), type(source), tuple(source.data.shape), source)
        _check_kind(header.name, header.kind, expects, "")
        return header
    found = find_source(source)
    with _told(found.name):
        return _checked(found, expects)


def _checked(found: Source, expects: tuple[type[Exposure], ...]) -> Header:
    kind = found.kind = _kind(found, expects)
    model = found.header(model_class(str(kind.model_of(found.model_type, len(found.shape("data"))))))
    header = Header(model, found.name, kind, found.shape("data"), found)
    kind.settle(header.meta, header.shape, header.name, is_open=found.is_open)
    kind.check(header.meta, header.shape, header.name)
    if not found.is_open:
        _settle_metadata(header)
    header = replace(header, left_out=_unset(header))
    _check_planes(header)
    _check_tables(header)
    return header


def crds_parameters(header: Header) -> dict[str, Any]:
    """Return the flat metadata paths and values by which CRDS selects references and parameter files."""
    return header.model.get_crds_parameters()


def open_exposure(
    source: Any, backend: Backend, *, rows: slice | None = None, columns: slice | None = None
) -> Exposure:
    """Load an exposure, or some of its rows and columns, onto a device.

    Parameters
    ----------
    source : what `read_header` accepts, or the `Header` itself, whose metadata then become the exposure's own.
    backend : where the arrays go.
    rows, columns : which of them; None for all. Only they are read. The metadata stay those of the whole.

    Returns
    -------
    An exposure of the header's kind. Of an open model or an exposure in flight the metadata are copied and the arrays
    are shared where they fit as they are (read-only); neither is ever written to. Missing DQ arrays of ramps are
    zeros. A zeroframe is loaded where ``meta.exposure.zero_frame`` (ZEROFRAM) says that there is one.

    Raises
    ------
    InputError
        As `read_header`, or the pixels cannot be read.
    """
    header = read_header(source)
    if isinstance(header.source, Exposure):
        return moved(replace(header.source, header=header.model), backend)
    return _loaded(header, backend, rows, columns)


def _loaded(header: Header, backend: Backend, rows: slice | None, columns: slice | None) -> Exposure:
    kind, where = header.kind, {"y": rows or ALL, "x": columns or ALL}
    data = _array(header, "data", backend, where)
    sizes = header.sizes | {"y": data.shape[-2], "x": data.shape[-1]}
    arrays = {"data": data}
    for name, plane in kind.planes.items():
        if name != "data" and header.shape_of(name) is not None and _is_announced(plane, header.meta):
            arrays[name] = _array(header, name, backend, where)
        elif plane.zeros:
            xp = array_api_compat.array_namespace(data)
            dtype, device = getattr(xp, plane.dtype), array_api_compat.device(data)
            arrays[name] = xp.zeros(plane.shape(sizes), dtype=dtype, device=device)
    values = {name: header.model.instance.get(name) for name in kind.fields}
    interleaved = rows is not None and is_interleaved(header.shape)
    place: dict[str, Any] = {"rows": rows, "columns": columns, "of_interleaved": interleaved}
    return kind(header.model, backend, **arrays, **values, **place)


def _array(header: Header, name: str, backend: Backend, where: dict[str, slice]) -> Array:
    """The rows and columns of a plane; those of an axis that is its own are all read."""
    source = header.source
    assert not isinstance(source, Exposure)
    axes = header.kind.planes[name].axes_of(len(source.shape(name)))
    return source.load(name, backend, rows=where.get(axes[-2], ALL), columns=where.get(axes[-1], ALL))


def load_plane(header: Header, name: str, backend: Backend, rows: slice = ALL, columns: slice = ALL) -> Array:
    """Load some rows and columns of one plane of an exposure onto a device; the exposure must have it.

    InputError: the pixels cannot be read.
    """
    where = {"y": rows, "x": columns}
    if isinstance(header.source, Exposure):
        place = header.source.backend
        part = header.kind.planes[name].part(getattr(header.source, name), where)
        return part if place.name == backend.name else backend.to_device(place.to_host(part))
    return _array(header, name, backend, where)


def _is_announced(plane: Plane, meta: Any) -> bool:
    return plane.announced_by is None or bool(attrgetter(plane.announced_by)(meta))


def moved(exposure: Any, backend: Backend) -> Any:
    """The exposure with its arrays on another device; as it is where they are there already."""
    if isinstance(exposure, Pieces):
        return replace(exposure.map(lambda piece: moved(piece, backend)), backend=backend)
    if exposure.backend.name == backend.name:
        return replace(exposure, backend=backend)
    arrays = {name: backend.to_device(exposure.backend.to_host(values)) for name, values in arrays_of(exposure)}
    return replace(exposure, backend=backend, **arrays)


def _kind(source: Source, expects: tuple[type[Exposure], ...]) -> type[Exposure]:
    if source.reftype:
        raise _refused(source.name, f"a {source.reftype} reference file", expects)
    if not source.has("data"):
        raise _refused(source.name, "no science array (SCI)", expects)
    described = f"{source.model_type or 'no DATAMODL'} with a {len(source.shape('data'))}-dimensional science array"
    kinds = (kind for kind in (*expects, *KINDS) if issubclass(kind, Exposure))  # a group is none
    kind = next((kind for kind in kinds if kind.is_in(source)), None)
    if kind is None:
        raise _refused(source.name, described, expects)
    _check_kind(source.name, kind, expects, f" ({described})")
    return kind


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what goes wrong with metadata of a form that nobody has thought of into one line."""
    try:
        yield
    except GpipeError:
        raise
    except Exception as error:
        raise InputError(f"{name}: metadata cannot be used ({first_line(error)})") from error


def _settle_metadata(header: Header) -> None:
    """Say in the log what the schemas do not know; what they refuse, and no check has, counts as missing."""
    from gpipe.datamodels.files.metadata import large_integers, new_names, remove_invalid  # pulls in stdatamodels

    for place in large_integers(header.model.instance):
        raise InputError(f"{header.name}: found an integer of more than 64 bits for {place}; expected fewer")
    for place, text in new_names(header.model).items():
        log.warning("%s: found %r for %s, unknown to the installed schemas; it is kept", header.name, text, place)
    remove_invalid(header.model, header.name)


def _unset(header: Header) -> tuple[str, ...]:
    """Arrays of an open model that do not fit the science array, and that nobody needs.

    Flags of which none is set: ``stdatamodels`` makes them when a ramp is opened, before the caller cuts it, and for
    superstripes like those of other ramps. Arrays that only products hold, and no step looks at.
    """
    source = header.source
    if isinstance(source, Exposure) or not source.is_open:
        return ()
    planes = header.kind.planes.items()
    unfit = {name: p for name, p in planes if source.has(name) and not p.fits(source.shape(name), header.sizes)}
    for name in (name for name, plane in unfit.items() if plane.product_only):
        log.warning(
            "%s: found %s of shape %s, which is not that of the science array; it is left out",
            header.name,
            name,
            source.shape(name),
        )
    return tuple(name for name, p in unfit.items() if p.product_only or (p.zeros and not source.read(name).any()))


def _check_planes(header: Header) -> None:
    """The other arrays must fit the science array, and all must hold what they stand for."""
    source = header.source
    assert not isinstance(source, Exposure)
    for name, plane in header.kind.planes.items():
        found = header.shape_of(name)
        described = f"no {name}" if found is None else f"{name} of shape {found}"
        if not ((plane.optional or plane.zeros) if found is None else plane.fits(found, header.sizes)):
            hint = " (cut it as the science array was cut)" if source.is_open and found else ""
            wanted = f"{plane.shape(header.sizes)} beside a science array of {header.shape}{hint}"
            raise InputError(f"{header.name}: found {described}; expected {wanted}")
        if found is not None and not plane.takes(values := source.values(name)):
            wanted = "real numbers" if plane.dtype.startswith("float") else f"{plane.dtype}, or narrower"
            raise InputError(f"{header.name}: found {name} of type {values}; expected {wanted}")


def _check_tables(header: Header) -> None:
    """Tables must be such, with the columns that the schemas name."""
    for name in header.kind.tables:
        rows = header.model.instance.get(name)
        if rows is None:
            continue
        found = getattr(getattr(rows, "dtype", None), "names", None)
        wanted = header.model.get_dtype(name).names
        if found is None or not set(wanted) <= set(found):
            described = f"a {type(rows).__name__}" if found is None else f"columns {', '.join(found)}"
            raise InputError(f"{header.name}: found {described} for {name}; expected a table of {', '.join(wanted)}")


def _check_kind(name: str, kind: type[Exposure], expects: tuple[type[Exposure], ...], described: str) -> None:
    if expects and not is_of(kind, expects):
        raise _refused(name, f"{kind.label}{described}", expects)


def _refused(name: str, found: str, expects: tuple[type[Exposure], ...]) -> InputError:
    expected = _wanted(expects)
    return InputError(f"{name}: found {found}; expected {expected}", file=name, found=found, expected=expected)


def _wanted(expects: tuple[type[Exposure], ...]) -> str:
    return " or ".join(getattr(kind, "label", f"a {kind.__name__}") for kind in expects or KINDS)


def _name(exposure: Exposure) -> str:
    return exposure.meta.filename or f"open {type(exposure).__name__}"
