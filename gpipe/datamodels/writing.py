"""Products on disk: whole, or not at all."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gpipe.datamodels.complaints import complaints_logged, first_line
from gpipe.exceptions import OutputError

ENDINGS = (".fits", ".asdf")


def write(model: Any, path: str | os.PathLike[str]) -> Path:
    """Write a model to a file and return its path.

    The file is written under its own name in a temporary folder beside the target and then renamed: an existing file is
    replaced only by a complete one, and nothing is left behind when writing fails or is interrupted.

    Parameters
    ----------
    model : a ``stdatamodels`` model; its ``meta.filename``, ``meta.date`` and ``meta.model_type`` are set.
    path : ending in ``.fits`` or ``.asdf``.

    Raises
    ------
    OutputError
        The ending is another one, a value is none that JWST's schema allows, or the folder, the disk or the permissions
        do not let it be written.
    """
    from asdf import ValidationError  # all is there already when there is a model to write

    from gpipe.datamodels.core_asdf import suited_to
    from gpipe.datamodels.fitswriter import save_fits

    target = Path(path)
    if target.suffix not in ENDINGS:
        raise OutputError(f"{target}: found the ending {target.suffix!r}; expected {' or '.join(ENDINGS)}")
    try:
        folder = tempfile.mkdtemp(prefix=".gpipe-", dir=target.parent)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({first_line(error)}); expected a writable folder") from None
    try:
        with complaints_logged(str(target)), suited_to(getattr(model, "instance", None)):
            written = os.path.join(folder, target.name)
            save = save_fits if _is_fits(model, target) else _save
            save(model, written)
        os.replace(written, target)
    except OSError as error:
        # NumPy, whose writing stops half-way, knows no reason.
        reason = first_line(error) if error.strerror else f"{first_line(error)}; is the disk full?"
        raise OutputError(f"{target}: cannot be written ({reason})") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.absolute_path)
        raise OutputError(f"{target}: found {where} that JWST's schema refuses ({first_line(error)})") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


def _save(model: Any, path: str) -> None:
    model.save(path)


def _is_fits(model: Any, target: Path) -> bool:
    from stdatamodels import DataModel

    return target.suffix == ".fits" and isinstance(model, DataModel) and not model._no_asdf_extension
