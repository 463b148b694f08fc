"""Simulated exposures and their references, made once and kept in a folder."""

import hashlib
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from astropy.io import fits

from gpipe import simulate

CHUNK = 1 << 22


@dataclass(frozen=True)
class Inputs:
    """Files of exposures, and the cache that calibrates them."""

    paths: Sequence[Path]
    cache: simulate.CrdsCache

    @property
    def references(self) -> list[Path]:
        """All files of references."""
        return sorted(path for path in (self.cache.folder / "references").rglob("*") if path.is_file())

    @property
    def raw_bytes(self) -> int:
        """Bytes of the uncalibrated cube of an exposure."""
        header = fits.getheader(self.paths[0], "SCI")
        return math.prod(header[f"NAXIS{axis + 1}"] for axis in range(header["NAXIS"])) * abs(header["BITPIX"]) // 8


def prepared(configs: Sequence[simulate.ExposureConfig], folder: Path, *, full_frame: bool = True) -> Inputs:
    """The exposures in ``folder``, which are made where it does not have them; ``full_frame`` as in ``write_cache``."""
    key = hashlib.sha1(repr((tuple(configs), full_frame)).encode(), usedforsecurity=False).hexdigest()
    place = folder.resolve() / key[:12]
    if not place.exists():
        unfinished = place.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        for config in configs:
            simulate.write_exposure(config, unfinished)
        simulate.write_cache(configs, unfinished / "crds_cache", full_frame=full_frame)
        unfinished.rename(place)
    return Inputs([place / config.file_name for config in configs], simulate.CrdsCache(place / "crds_cache"))


def read_through(paths: Iterable[Path], most: float = math.inf) -> None:
    """Read files one after the other, ``most`` bytes of them altogether."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while most > 0 and (found := file.read(int(min(CHUNK, most)))):
                most -= len(found)
