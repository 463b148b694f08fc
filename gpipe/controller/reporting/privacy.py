"""Lines that may be published: they name no user, host or address, and no folder."""

import getpass
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

_FOLDERS = re.compile(r"(?<![\w/])/(?:[^/\s]+/)+")
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}"


def without_private(line: str) -> str:
    """Make a line fit for a product: without the folders of absolute paths, empty if it names user, host or an address.

    Characters that are no text (a file name in another encoding has them) become escapes: no file can hold them.
    """
    line = _FOLDERS.sub("", line).encode("utf-8", "backslashreplace").decode()
    private = "|".join([*map(re.escape, _names()), _ADDRESS])
    return "" if re.search(rf"(?<!\w)(?:{private})(?!\w)", line) else line


def _names() -> Iterator[str]:
    """Name the user and the host, as far as they have names: a user of a container may have none."""
    for ask in (getpass.getuser, socket.gethostname):
        with suppress(Exception):  # KeyError, from Python 3.13 on OSError, ImportError: nothing that may end a run
            if name := ask():
                yield name
