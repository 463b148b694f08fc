"""ASDF files: the sizes of the tree and of the blocks, counted before asdf reads either.

asdf follows aliases as often as they occur and reads blocks of any size from anywhere in the file: a kilobyte of either
could take all memory.
"""

import re
import struct
from typing import Any, BinaryIO

import yaml

from gpipe.datamodels.files.damage import DamageError
from gpipe.yaml_weight import TooHeavyError, TreeWeight

MOST_NODES = 1_000_000
"""Nodes of a tree, each alias counted with all that it stands for."""
DEEPEST = 100
"""Levels of nodes within nodes."""
END_OF_TREE = b"\n..."
_BLOCK, _INDEX = b"\xd3BLK", b"#ASDF BLOCK INDEX"
_FIELDS = struct.Struct(">I4sQQQ16s")
_STREAMED = 1
_PIECE = 1 << 16


def check_tree(text: bytes) -> None:
    """Refuse, by DamageError, the text of a tree that is too large or too deep to be walked through.

    Nor may its arrays lie in other files, which asdf would open, whatever they are.
    """
    weight, arrays = TreeWeight(MOST_NODES, deepest=DEEPEST, counts_characters=False), _Arrays()
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        try:
            weight.add(event)
        except TooHeavyError as error:
            raise DamageError(f"{error.problem}, in its YAML") from None
        arrays.add(event)


class _Arrays:
    """Arrays of a tree, found from the events of a parser."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []
        """Collections that have not ended: tag, and text of the scalar that came last."""

    def add(self, event: Any) -> None:
        """Refuse an array whose numbers are neither in a block (0, 1, …) nor in an extension of FITS."""
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.tag or "", ""))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.ScalarEvent) and self._open:
            tag, last = self._open.pop()
            if last == "source" and "core/ndarray" in tag and not re.fullmatch(r"-?\d+|fits:.*", event.value):
                raise DamageError(f"found an array in another file, {event.value}; expected it in this one")
            self._open.append((tag, event.value))


def tree_text(file: BinaryIO) -> bytes:
    """Read an ASDF file from its start to the end of its tree, where the file then stands."""
    text = bytearray()
    while piece := file.read(_PIECE):
        searched = max(0, len(text) - len(END_OF_TREE))
        text += piece
        end = text.find(END_OF_TREE, searched)
        if end >= 0:
            file.seek(end + len(END_OF_TREE))
            return bytes(text[:end])
    return bytes(text)


def block_bytes(file: BinaryIO, length: int) -> int:
    """Count the bytes that the blocks of a file take in memory.

    Parameters
    ----------
    file : at the end of its tree.
    length : of the file.

    Raises
    ------
    DamageError
        A block is not all there.
    """
    total, position = 0, _first_block(file)
    while position is not None:
        file.seek(position + len(_BLOCK))
        size = int.from_bytes(file.read(2), "big")
        fields = file.read(size)
        begin = position + len(_BLOCK) + 2 + size
        if len(fields) < max(size, _FIELDS.size):
            raise DamageError("truncated or damaged in the header of a block; expected a whole ASDF file")
        flags, packing, allocated, used, unpacked, _ = _FIELDS.unpack_from(fields)
        if flags & _STREAMED:
            return int(total + length - begin)
        if used > allocated or begin + allocated > length:
            raise DamageError(f"truncated or damaged in the block at byte {position}; expected a whole ASDF file")
        total += unpacked if packing.strip(b"\0") else used
        position = _next_block(file, begin + allocated)
    return int(total)


def _first_block(file: BinaryIO) -> int | None:
    """The place of the first block, where there is one: a tree may be followed by padding."""
    before = b""
    while piece := file.read(_PIECE):
        found = (before + piece).find(_BLOCK)
        if found >= 0:
            return file.tell() - len(before) - len(piece) + found
        before = piece[-len(_BLOCK) + 1 :]
    return None


def _next_block(file: BinaryIO, position: int) -> int | None:
    file.seek(position)
    rest = file.read(len(_INDEX))
    if rest.startswith(_BLOCK):
        return position
    if rest.strip(b"\0") and not _INDEX.startswith(rest):
        raise DamageError(f"truncated or damaged at byte {position}, after a block; expected a whole ASDF file")
    return None
