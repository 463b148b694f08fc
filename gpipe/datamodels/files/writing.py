"""Products on disk: whole, or not at all."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gpipe.datamodels.files.disk.durability import sync_file, sync_folder
from gpipe.datamodels.files.disk.workspace import workspace_in
from gpipe.datamodels.files.warnings import complaints_logged, first_line, one_thread_at_a_time
from gpipe.exceptions import OutputError

ENDINGS = (".fits", ".asdf")


def write(model: Any, path: str | os.PathLike[str], *, lasting: bool = True) -> Path:
    """Write a model to a file and return its path.

    The file is written under its own name in a temporary folder beside the target and then renamed: an existing file is
    replaced only by a complete one, and nothing is left behind when writing fails or is interrupted. It has the
    permissions of the file that it replaces. A link is replaced, too; the file that it points to stays as it is.

    Parameters
    ----------
    model : a ``stdatamodels`` model; its ``meta.filename``, ``meta.date`` and ``meta.model_type`` are set. One that
        cannot be written keeps its name.
    path : ending in ``.fits`` or ``.asdf``.
    lasting : wait until the file is on the disk, see `durability`.

    Raises
    ------
    OutputError
        The ending is another one, a value is none that JWST's schema allows, or the folder, the disk or the permissions
        do not let it be written.
    """
    return prepared(model, path, lasting=lasting)()


def prepared(model: Any, path: str | os.PathLike[str], *, lasting: bool = True) -> Callable[[], Path]:
    """`write` in two halves: this one asks the schemas; what it returns needs the disk only, and may go to a thread."""
    target, name = Path(path), model.meta.filename
    if target.suffix not in ENDINGS:
        raise OutputError(f"{target}: found the ending {target.suffix!r}; expected {' or '.join(ENDINGS)}")
    with _named_as_before(model, name), _told(target):
        contents = _contents(model, target)

    def put() -> Path:
        with _named_as_before(model, name), _told(target):
            with _folder_beside(target) as folder:
                written = os.path.join(folder, target.name)
                contents.write(written)
                if lasting:
                    sync_file(written)
                _allow_as(target, written)
                os.replace(written, target)
            if lasting:
                sync_folder(target.parent)
        return target

    return put


class _Contents(Protocol):
    def write(self, path: str) -> None:
        """Write a new file."""


@dataclass
class _Whole:
    """A model that ``stdatamodels`` writes by itself, and what its complaints are about."""

    model: Any
    label: str

    def write(self, path: str) -> None:
        from gpipe.datamodels.files.core_asdf import suited_to

        suited = suited_to(getattr(self.model, "instance", None))
        with one_thread_at_a_time(), complaints_logged(self.label), suited:
            self.model.save(path)


def needs_libraries(model: Any, target: Path) -> bool:
    """Tell whether ``stdatamodels`` or ``asdf`` writes the pixels, too: then no thread in the background may do it."""
    from stdatamodels import DataModel

    return target.suffix != ".fits" or not isinstance(model, DataModel) or bool(model._no_asdf_extension)


def _contents(model: Any, target: Path) -> _Contents:
    from gpipe.datamodels.files.core_asdf import suited_to  # all is there already when there is a model to write
    from gpipe.datamodels.files.disk.fits_writer import FitsPieces

    if needs_libraries(model, target):
        return _Whole(model, str(target))
    with one_thread_at_a_time(), complaints_logged(str(target)), suited_to(model.instance):
        return FitsPieces.of(model, target)


@contextmanager
def _named_as_before(model: Any, name: str | None) -> Iterator[None]:
    """A model that cannot be written keeps its name. The schemas, which are no work for a thread, know it already."""
    try:
        yield
    except BaseException:
        getattr(model.meta, "instance", vars(model.meta))["filename"] = name
        raise


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Turn what the system and the schemas say into one line."""
    from asdf import ValidationError

    try:
        yield
    except OSError as error:
        # NumPy, whose writing stops half-way, knows no reason.
        reason = first_line(error) if error.strerror else f"{first_line(error)}; is the disk full?"
        raise OutputError(f"{target}: cannot be written ({reason})") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.absolute_path)
        raise OutputError(f"{target}: found {where} that JWST's schema refuses ({first_line(error)})") from None


@contextmanager
def _folder_beside(target: Path) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(workspace_in(target.parent))
        except OSError as error:
            reason = first_line(error)
            raise OutputError(f"{target}: cannot be written ({reason}); expected a writable folder") from None
        yield folder


def _allow_as(existing: Path, written: str) -> None:
    """Give a new file the permissions of the one that it replaces and, as far as the system lets us, its owner."""
    try:
        found = os.lstat(existing)
    except FileNotFoundError:
        return
    if stat.S_ISREG(found.st_mode):
        with suppress(OSError, AttributeError):  # Windows has no owners of this kind
            os.chown(written, found.st_uid, found.st_gid)
        with suppress(OSError):
            os.chmod(written, stat.S_IMODE(found.st_mode) & 0o777)
