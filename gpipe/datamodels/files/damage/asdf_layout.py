"""ASDF files: the sizes of the tree and of the blocks, counted before asdf reads either.

asdf follows aliases as often as they occur and reads blocks of any size from anywhere in the file: a kilobyte of either
could take all memory.
"""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

import yaml

from gpipe.datamodels.files.damage import DamageError

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
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sizes: dict[str, int] = {}
    open_nodes = [_Node()]
    for event in yaml.parse(text, Loader=loader):
        node = _Node(getattr(event, "anchor", None), getattr(event, "tag", None))
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append(node)
            continue
        if isinstance(event, yaml.ScalarEvent):
            open_nodes[-1].check_source(event.value)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise DamageError(f"found the alias *{event.anchor} before the end of what it stands for")
            node = _Node(size=sizes[event.anchor])
        elif isinstance(event, yaml.CollectionEndEvent):
            node = open_nodes.pop()
        else:
            continue
        open_nodes[-1].size += node.size
        if node.anchor is not None:
            sizes[node.anchor] = node.size
        if open_nodes[-1].size > MOST_NODES or len(open_nodes) > DEEPEST:
            raise DamageError(f"found more than {MOST_NODES} nodes, or {DEEPEST} within each other, in its YAML")


@dataclass
class _Node:
    """A node of a tree, while its end has not been reached: ``size`` nodes so far."""

    anchor: str | None = None
    tag: str | None = None
    size: int = 1
    last: str = ""

    def check_source(self, text: str) -> None:
        """Refuse an array whose numbers are neither in a block (0, 1, …) nor in an extension of FITS."""
        is_source = self.last == "source" and "core/ndarray" in (self.tag or "")
        if is_source and not re.fullmatch(r"-?\d+|fits:.*", text):
            raise DamageError(f"found an array in another file, {text}; expected it in this one")
        self.last = text


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
