"""Cache of reference files between exposures, so that a batch reads each once.

Headers of the files that were opened last; and planes (`plane_cache`), on a GPU from the first exposure on, in host
memory of references that a second exposure uses.
"""

import os
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from gpipe.datamodels.references import plane_cache
from gpipe.datamodels.references.reference import Reference
from gpipe.forks import Lock

FILES = 64

_lock = Lock()
_references: OrderedDict[Hashable, tuple[Hashable, Reference]] = OrderedDict()


def open_reference(reftype: str, source: Any, name: str | None = None) -> Reference:
    """A `Reference`; that of an earlier exposure where the file is still the same (time and size).

    Parameters and errors are those of `Reference`. Open models are not kept, nor are compressed files, which would be
    held unpacked.
    """
    stamp = _stamp(source)
    if stamp is None:
        return Reference(reftype, source, name)
    key = (reftype, os.path.abspath(source), name)
    with _lock:
        held = _references.pop(key, None)
    reference = held[1] if held and held[0] == stamp else Reference(reftype, source, name)
    reference.is_used_again = held is not None and held[1] is reference
    with _lock:
        made = _references.pop(key, None)  # by another thread, meanwhile: one of them is enough
        if made and made[0] == stamp:
            reference = made[1]
        _references[key] = stamp, reference
        while len(_references) > FILES:
            _references.popitem(last=False)
    return reference


def forget_references() -> None:
    """Drop all that is kept, planes too; what is in use lives on."""
    with _lock:
        _references.clear()
    plane_cache.forget()


def _stamp(source: Any) -> Hashable | None:
    if not isinstance(source, str | os.PathLike) or os.fspath(source).endswith(".gz"):
        return None
    try:
        found = os.stat(source)
    except OSError:  # Reference says what is wrong
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
