"""Small exposures, the references that calibrate them, and what comes out if nothing goes wrong."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asdf
import numpy as np
from astropy.io import fits

from gpipe import simulate
from gpipe.simulate import CrdsCache, ExposureConfig, Scene

BRIGHT = Scene(background=500.0, density=4e-3, brightest=1e6)
SETTINGS: dict[str, Any] = {"readpatt": "RAPID", "subarray": "SUB64P", "ngroups": 5, "nints": 2, "scene": BRIGHT}
CONFIGS = tuple(
    ExposureConfig(detector=detector, exposure=number, seed=number, start=100.0 * number, **SETTINGS)
    for detector, number in (("NRCALONG", 1), ("NRCALONG", 2), ("NRCALONG", 3), ("NRCBLONG", 4))
)


@dataclass(frozen=True)
class World:
    """Exposures, a CRDS cache, and the right products: their paths, digests and logs, by name."""

    folder: Path
    exposures: tuple[Path, ...]
    cache: CrdsCache
    products: dict[str, Path] = field(default_factory=dict)
    right: dict[str, str] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)

    def learn(self, folder: Path) -> None:
        """Take the products in a folder for the right ones, unless they are known."""
        for path in sorted(path for path in folder.iterdir() if path.name not in self.right):
            self.products[path.name], self.right[path.name] = path, digest(path)

    def is_right(self, path: Path) -> bool:
        """Tell whether a product is whole, and has the bits of the right one."""
        try:
            return digest(path) == self.right[path.name]
        except Exception:  # of astropy, asdf or yaml, for a file that is not whole
            return False


def make_world(folder: Path) -> World:
    """Write the exposures and the cache; this takes a second."""
    exposures = tuple(simulate.write_exposure(config, folder).path for config in CONFIGS)
    return World(folder, exposures, simulate.write_cache(CONFIGS, folder / "cache", full_frame=False))


def digest(path: Path) -> str:
    """Digest of all pixels of a product, and of all arrays of an ASDF file; raises where it is not whole."""
    found = hashlib.sha1(usedforsecurity=False)
    for name, values in sorted(_images(path) if path.suffix == ".fits" else _arrays(path), key=lambda pair: pair[0]):
        found.update(f"{name} {values.shape}".encode())
        found.update(np.ascontiguousarray(values, values.dtype.newbyteorder(">")).tobytes())
    return found.hexdigest()


def _images(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    with fits.open(path, memmap=False, disable_image_compression=True) as hdus:
        assert len(hdus["ASDF"].data)
        yield from ((hdu.name, hdu.data) for hdu in hdus if hdu.is_image and hdu.data is not None)


def _arrays(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    with asdf.open(path, lazy_load=False, memmap=False, validate_checksums=True) as file:
        yield from _leaves(file.tree, "")


def _leaves(tree: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, f"{name}.{key}")
    elif hasattr(tree, "dtype") and tree.dtype.names is None:
        yield name, np.array(tree)
