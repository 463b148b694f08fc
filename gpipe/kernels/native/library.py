"""The shared library of native kernels: where it lies, whether it is used, and its functions.

``GPIPE_NATIVE`` decides: ``1``, a missing library is an error; ``0``, portable functions do the work; without it the
library is used if it is there, and else one line of the log says that it is not.
"""

import ctypes
import functools
import hashlib
import json
import logging
import os
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gpipe.exceptions import BackendError

log = logging.getLogger(__name__)

NAME = "libkernels.so"
INTERFACE = 2
"""Version of the calls of kernels; a library with another number belongs to another version of gpipe."""
HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
"""Folder of the repository, unless this package is in a wheel."""
MODES = {"": "auto", "0": "never", "1": "always"}

_refusals: list[str] = []


class Library:
    """The library in this process.

    Attributes
    ----------
    path : where it lies.
    variants : instruction sets that it has kernels for and that this processor has, the fastest last.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._library = ctypes.CDLL(str(path))
            self._library.gpipe_variants.restype = ctypes.c_char_p
            self._library.gpipe_sources.restype = ctypes.c_char_p
            self._library.gpipe_interface.restype = ctypes.c_int64
            interface, sources = self._library.gpipe_interface(), self._library.gpipe_sources().decode()
        except (OSError, AttributeError) as error:
            raise BackendError(f"found no native kernels in {path} ({error}); expected a library of gpipe") from None
        if interface != INTERFACE:
            raise BackendError(f"found native kernels of interface {interface} in {path}; expected {INTERFACE}")
        if (expected := digest_of_sources()) not in (None, sources):
            raise BackendError(
                f"found native kernels of sources {sources:.8} in {path}; expected {expected:.8}: build it"
            )
        self.variants = tuple(self._library.gpipe_variants().decode().split())
        if not self.variants:
            raise BackendError(f"found a processor without x86-64-v2, which the native kernels in {path} expect")

    def function(self, name: str, text: str, variant: str) -> Any:
        """A kernel, whose C declaration must be ``text``."""
        symbol = f"gpipe_{name}_{variant}"
        try:
            found = ctypes.string_at(
                ctypes.addressof(ctypes.c_char.in_dll(self._library, f"gpipe_{name}_text_{variant}"))
            )
            function = self._library[symbol]
        except (ValueError, AttributeError):
            raise BackendError(f"found no kernel {name} in {self.path}; expected a library of this version") from None
        if (declared := found.decode().replace("restrict ", "")) != text:
            raise BackendError(f"kernel {name}: found {declared} in {self.path}; expected {text}")
        return function


def digest_of_sources() -> str | None:
    """The digest of the C sources of a checkout, as CMakeLists.txt makes it; None in a wheel, which has none."""
    if not (CHECKOUT / "CMakeLists.txt").exists():
        return None
    native = CHECKOUT / "gpipe" / "kernels" / "native"
    found = [*native.rglob("*.c"), *native.rglob("*.h"), *native.with_name("shared").glob("*.cuh")]
    named = sorted((path.relative_to(CHECKOUT).as_posix(), path) for path in found)
    hashes = "".join(hashlib.sha256(path.read_bytes()).hexdigest() for _, path in named)
    return hashlib.sha256(hashes.encode()).hexdigest()


def mode() -> str:
    """``always``, ``never`` or ``auto``, as ``GPIPE_NATIVE`` says."""
    chosen = os.environ.get("GPIPE_NATIVE", "").strip()
    if chosen not in MODES:
        raise BackendError(f"GPIPE_NATIVE={chosen!r} is not known; expected 0, 1 or nothing")
    return MODES[chosen]


@functools.cache
def load() -> Library:
    """Load the library; a `BackendError` if this process can use none."""
    return Library(find())


def is_used() -> bool:
    """Tell whether to use kernels of the library. If the library is missing, log it once."""
    chosen = mode()
    if chosen == "never" or (chosen == "auto" and _refusals):
        return False
    try:
        load()
    except BackendError as error:
        refuse(error)
        return False
    return True


def refuse(error: BackendError) -> None:
    """Use portable functions from now on, and log the reason; an error if the user requires kernels."""
    if mode() == "always":
        raise BackendError(f"GPIPE_NATIVE=1: {error}") from error
    if not _refusals:
        log.warning("Native kernels are not used (%s): portable functions do the work, which are slower", error)
    _refusals.append(str(error))


def refusal() -> str | None:
    """Return the reason why the kernels of an existing library are not used; None if they are used."""
    return _refusals[0] if _refusals else None


def find() -> Path:
    """Find the library of this copy of gpipe: beside this package, of an editable installation, or built by hand.

    ``GPIPE_NATIVE_LIBRARY`` names another one, for instance with sanitizers.
    """
    if named := os.environ.get("GPIPE_NATIVE_LIBRARY"):
        return Path(named)
    if (beside := HERE / NAME).exists():
        return beside
    if not (CHECKOUT / "CMakeLists.txt").exists():
        raise BackendError(f"found no {NAME} in {HERE}; it was installed without a compiler")
    by_hand = CHECKOUT / "build" / "native" / NAME
    found = [path for path in (_of_editable_installation(), by_hand) if path is not None and path.exists()]
    if not found:
        raise BackendError(f"found no {NAME} of an editable installation of {CHECKOUT}, nor {by_hand}")
    return max(found, key=lambda path: path.stat().st_mtime)


def _of_editable_installation() -> Path | None:
    """Find the library of an editable installation: it lies in site-packages, and this file in the checkout.

    Metadata of an older installation may lie in the checkout itself, so all installations of this name are read.
    """
    for installed in filter(_is_of_this_checkout, distributions(name="gpipe")):
        for file in installed.files or []:
            if file.name == NAME:
                return Path(str(file.locate()))
    return None


def _is_of_this_checkout(installed: Distribution) -> bool:
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return False
    return Path(url2pathname(urlsplit(origin["url"]).path)).resolve() == CHECKOUT
