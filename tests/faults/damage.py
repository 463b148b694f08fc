"""Damage to files: bits, headers, compression, and what is no file at all."""

import gzip
import os
import re
import socket
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

CARD, RECORD = 80, 2880
VALUES = (
    "-1", "0", "1", "7", "99999999999999999999", "-2147483648", "20000", "1E400", "-1.5", "NaN", "T", "F", "''",
    "'text'", "'-1'", "'unterminated", "(1.0, 2.0)", "nonsense", "", "'\x00'", "'6.0'", "6.0", "'2020-99-99'",
)  # fmt: skip
BOMB = 1 << 24
"""Bytes of each member of a gzip bomb."""


def cut(random: Random, content: bytes) -> bytes:
    """A file that ends too early."""
    return content[: int(len(content) * random.choice([0.0, 0.01, 0.1, 0.5, 0.8]) + random.randrange(1, 4000))]


def flip(random: Random, content: bytes) -> bytes:
    """Some bits of the headers are others."""
    damaged, places = bytearray(content), [card for card, _ in _cards(content)]
    for _ in range(random.choice([1, 1, 3, 20])):
        damaged[random.choice(places) + random.randrange(CARD)] ^= 1 << random.randrange(8)
    return bytes(damaged)


def nonsense(random: Random, content: bytes) -> bytes:
    """The values of some cards are nonsense; the ASDF extension, which repeats them, is left out of half."""
    damaged = bytearray(content)
    for _ in range(random.choice([1, 1, 1, 2])):
        place, card = random.choice([pair for pair in _cards(content) if pair[1][8:10] == b"= "])
        damaged[place : place + CARD] = (card[:10] + random.choice(VALUES).encode().rjust(20)).ljust(CARD)
    if random.random() < 0.5 and (found := _extension(content, b"'ASDF")):
        return bytes(damaged[:found])
    return bytes(damaged)


def _cards(content: bytes) -> list[tuple[int, bytes]]:
    """Places and contents of the cards of all headers."""
    records = range(0, len(content), RECORD)
    headers = [start for start in records if not start or content[start : start + 8] == b"XTENSION"]
    return [pair for start in headers for pair in _cards_of(content, start)]


def _cards_of(content: bytes, start: int) -> list[tuple[int, bytes]]:
    ends = content.index(b"END".ljust(CARD), start)
    return [(place, content[place : place + CARD]) for place in range(start, ends, CARD)]


def _extension(content: bytes, name: bytes) -> int:
    """The place where the extension of a name begins, or 0."""
    found = re.search(rb"EXTNAME = " + re.escape(name), content)
    return content.rfind(b"XTENSION", 0, found.start()) if found else 0


def _members(start: bytes, count: int) -> bytes:
    return gzip.compress(start) + gzip.compress(bytes(BOMB)) * count


COMPRESSED: dict[str, Callable[[Random, bytes], bytes]] = {
    "cut": lambda random, content: gzip.compress(content)[:-2000],
    "wrong sum": lambda random, content: gzip.compress(content)[:-8] + bytes(8),
    "not compressed": lambda random, content: b"\x1f\x8b" + content,
    "bomb of zeros": lambda random, content: _members(b"", 200),
    "bomb behind a header": lambda random, content: _members(content[: 4 * RECORD], 200),
    "bomb behind a whole exposure": lambda random, content: _members(content, 200),
    "twice": lambda random, content: gzip.compress(gzip.compress(content)),
}


VALID = ("bomb behind a whole exposure",)
"""Zeros may follow an exposure, compressed or not."""


def _bomb(text: str) -> Callable[[Random, bytes], bytes]:
    """Put YAML aliases into the tree of an ASDF file."""
    return lambda random, content: content.replace(b"\n...\n", b"\n" + text.encode() + b"\n...\n", 1)


def aliases(levels: int, width: int) -> str:
    """YAML of a few hundred letters that stands for ``width ** levels`` words."""
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels + 1)]
    return "\n".join(lines)


def _flip_anywhere(random: Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(random.choice([1, 5])):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


ASDF: dict[str, Callable[[Random, bytes], bytes]] = {
    "cut": cut,
    "flipped bits": _flip_anywhere,
    "alias bomb": _bomb(aliases(9, 9)),
    "deep": _bomb(f"deep: {'[' * 3000}{']' * 3000}"),
}


def _fifo(path: Path) -> str:
    os.mkfifo(path)
    return str(path)


def _socket(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return str(path)


def _folder(path: Path) -> str:
    path.mkdir()
    return str(path)


def _link(target: str) -> Callable[[Path], str]:
    def make(path: Path) -> str:
        path.symlink_to(target or path.name)
        return str(path)

    return make


def _bytes(content: bytes) -> Callable[[Path], str]:
    def make(path: Path) -> str:
        path.write_bytes(content)
        return str(path)

    return make


SPECIAL: dict[str, Callable[[Path], str]] = {
    "FIFO": _fifo,
    "socket": _socket,
    "folder": _folder,
    "link to itself": _link(""),
    "link to nothing": _link("nowhere"),
    "link to a folder": _link("."),
    "device of zeros": _link("/dev/zero"),
    "device of nothing": _link("/dev/null"),
    "empty file": _bytes(b""),
    "zeros": _bytes(bytes(100_000)),
    "random bytes": _bytes(Random(1).randbytes(100_000)),
    "bad zlib": _bytes(zlib.compress(bytes(1000))),
}
EMPTY = ("device of nothing", "empty file")
"""As a parameter file they may stand for no parameters."""
