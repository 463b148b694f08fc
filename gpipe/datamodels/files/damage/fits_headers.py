"""Headers of FITS: each must describe data that the file has, before astropy reads it.

astropy believes what a header says: of a negative size it reads for ever.
"""

import re
from collections.abc import Callable, Mapping
from itertools import count
from math import prod

from gpipe.datamodels.files.damage import DamageError

RECORD = 2880
CARD = 80
MOST_HEADER_BYTES = 1 << 24
MOST_FIELDS = 999
TRAILING_BYTES = 1 << 20
"""Bytes after the last extension that are looked at."""
SIGNATURE = b"SIMPLE  =                    T"
_BITPIX = (8, 16, 32, 64, -32, -64)
_READ = re.compile(rb"BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|EXTNAME|BSCALE|BZERO")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([EDed][+-]?\d+)?")
_KEYWORD = re.compile(rb"[A-Za-z0-9_-]* *")
_WHOLE = re.compile(r"[+-]?\d{1,18}")


def check_headers(read: Callable[[int], bytes], skip: Callable[[int], int]) -> int:
    """Read a file from one header to the next, and count its bytes, without padding after the last extension.

    DamageError where a header describes no data, or data that are not there.

    Parameters
    ----------
    read : gives the next bytes, so many of them if there are.
    skip : passes over so many, and gives how many there were.
    """
    name, total = "PRIMARY", 0
    for number in count():
        header = _header(read, name, first=number == 0)
        if header is None:
            break
        cards = _cards(header, "the primary header" if number == 0 else f"a header after extension {name}")
        name = cards.get("EXTNAME", f"number {number}").strip("' ") if number else name
        for keyword in cards.keys() & {"BSCALE", "BZERO"}:
            if not _NUMBER.fullmatch(cards[keyword]):
                raise DamageError(f"found {keyword} = {cards[keyword]} in extension {name}; expected a number")
        size = _data_bytes(cards, name)
        if skip(size) < size:
            raise DamageError(f"truncated or damaged inside extension {name}; expected a whole FITS file")
        total += len(header) + size
    return total


def _header(read: Callable[[int], bytes], before: str, *, first: bool) -> bytes | None:
    """The next header; None at the end of the file, which only zeros and blanks may follow."""
    block = read(RECORD)
    if first and not block.startswith(SIGNATURE):
        start = block[: len(SIGNATURE)]
        if start.startswith(b"{"):
            raise DamageError("found JSON, as of an association, which steps and pipelines take; expected an exposure")
        raise DamageError(f"not a FITS file (it starts with {start!r}); expected 'SIMPLE  = … T'")
    if not first and not block.startswith(b"XTENSION"):
        if (block + read(TRAILING_BYTES)).strip(b"\0 "):
            raise DamageError(f"truncated or damaged in what follows extension {before}; expected a whole FITS file")
        return None
    header = bytearray(block)
    while not _has_end(block):
        block = read(RECORD)
        header += block
        if len(block) < RECORD or len(header) > MOST_HEADER_BYTES:
            raise DamageError(f"truncated or damaged in a header after extension {before}; expected a whole FITS file")
    return bytes(header)


def _has_end(block: bytes) -> bool:
    return any(block[k : k + CARD].rstrip() == b"END" for k in range(0, len(block), CARD))


def _cards(header: bytes, place: str) -> dict[str, str]:
    """Texts of the values that say how pixels are stored; of a keyword that is repeated the first."""
    found: dict[str, str] = {}
    for k in range(0, len(header), CARD):
        keyword = header[k : k + 8].rstrip()
        if not _KEYWORD.fullmatch(keyword):
            raise DamageError(f"found the keyword {keyword!r} in {place}; expected letters, digits, - and _")
        if _READ.fullmatch(keyword) and header[k + 8 : k + 10] == b"= ":
            text = header[k + 10 : k + CARD].decode("ascii", "replace")
            found.setdefault(keyword.decode(), text.partition("/")[0].strip())
    return found


def _data_bytes(cards: Mapping[str, str], name: str) -> int:
    """Bytes of the data behind a header, with those that fill the last record."""

    def whole(keyword: str, least: int, most: int | None = None, default: str | None = None) -> int:
        text = cards.get(keyword, default)
        if text is not None and _WHOLE.fullmatch(text) and least <= int(text) and (most is None or int(text) <= most):
            return int(text)
        found = f"no {keyword}" if text is None else f"{keyword} = {text}"
        wanted = f"{least} or more" if most is None else f"{least} to {most}"
        raise DamageError(f"found {found} in extension {name}; expected a whole number, {wanted}")

    bits = whole("BITPIX", -64, 64)
    if bits not in _BITPIX:
        raise DamageError(f"found BITPIX = {bits} in extension {name}; expected one of {', '.join(map(str, _BITPIX))}")
    sizes = [whole(f"NAXIS{axis}", 0) for axis in range(1, whole("NAXIS", 0, 999) + 1)]
    more, times = whole("PCOUNT", 0, default="0"), whole("GCOUNT", 0, default="1")
    whole("TFIELDS", 0, MOST_FIELDS, default="0")
    size = abs(bits) // 8 * times * (more + prod(sizes)) if sizes else 0
    return size + -size % RECORD
