"""Digests of products: one of the data and one of the header of every extension of a file.

Left out is what differs from one run to the next: when and by which version a file was written, and the log.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asdf
import numpy as np
from astropy.io import fits

KEYWORDS = {"DATE", "CAL_VER", "CAL_VCS", "CHECKSUM", "DATASUM"}
TREE = {"_fits_hash", "cal_logs"}
METADATA = {"date", "calibration_software_version", "calibration_software_revision", "useafter"}


def digests_of(folder: Path, places: Mapping[str, str]) -> dict[str, str]:
    """Digests of all files in a folder.

    ``places`` are folders that headers may name, each with a word for it that is the same in every record.
    """
    found: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        found |= {f"{name}{part}": digest for part, digest in digests(path, places)}
    return found


def digests(path: Path, places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Parts of a file, and the digest of each."""
    if path.suffix == ".fits":
        with fits.open(path, memmap=False) as hdus:
            for hdu in hdus:
                name = f"[{hdu.name},{hdu.ver}]"
                if hdu.name == "ASDF":  # its header has lengths, which follow from the log
                    yield f"{name} tree", _of_tree(asdf.util.load_yaml(io.BytesIO(hdu.data.tobytes())), places)
                    continue
                yield f"{name} header", _of_header(hdu.header, places)
                if hdu.data is not None:
                    yield f"{name} data", _of_array(hdu.data)
    elif path.suffix == ".asdf":
        with asdf.open(path, lazy_load=False, memmap=False) as file:
            yield " tree", _of_tree(file.tree, places)
    else:
        yield "", _of_text(path.read_text(), places)


def _of_header(header: fits.Header, places: Mapping[str, str]) -> str:
    cards = [_card(card, places) for card in header.cards if card.keyword not in KEYWORDS]
    return _of_text("\n".join(map(repr, cards)), places)


def _card(card: fits.Card, places: Mapping[str, str]) -> tuple[Any, ...]:
    """Keyword, value and comment. A path, which may be long, leaves more or less of its comment in a card."""
    is_path = any(folder in str(card.value) for folder in places)
    return card.keyword, card.value, "" if is_path else card.comment


def _of_array(array: np.ndarray) -> str:
    """Digest of an array. Arrays of another type or shape always have another digest."""
    digest = hashlib.sha256(f"{array.dtype.descr} {array.shape}".encode())
    digest.update(array.tobytes())
    return digest.hexdigest()


def _of_tree(tree: Mapping[str, Any], places: Mapping[str, str]) -> str:
    kept = {key: value for key, value in tree.items() if key not in TREE}
    if isinstance(kept.get("meta"), Mapping):
        kept["meta"] = {key: value for key, value in kept["meta"].items() if key not in METADATA}
    return _of_text(json.dumps(kept, default=_leaf), places)


def _leaf(value: Any) -> Any:
    """Replace what JSON does not know: mappings and sequences of ASDF, arrays, other objects."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__array__"):
        return _of_array(np.asarray(value))
    return list(value) if isinstance(value, (list, tuple)) else repr(value)


def _of_text(text: str, places: Mapping[str, str]) -> str:
    for folder, word in places.items():
        text = text.replace(folder, word)
    return hashlib.sha256(text.encode()).hexdigest()
