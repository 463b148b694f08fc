"""Input files of a run: paths, patterns, folders and lists of names."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gpipe.exceptions import InputError
from gpipe.user_files import expanded as expanded_path

IN_A_FOLDER = "*_uncal.fits"
"""Files of a folder that are meant where only the folder is named."""


class Inputs(list[Path]):
    """Input files in order, and headers of those that have been read already, so that none is read twice."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        super().__init__(paths)
        self.headers: dict[Path, Any] = {}


def expanded(files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Inputs:
    """List the files that are meant, in the order in which they are named; none twice.

    Parameters
    ----------
    files : paths, patterns (``"*_uncal.fits"``), folders (all ``*_uncal.fits`` in them), lists of names
        (``"@names.txt"``, one a line) or ``"-"`` for names on the standard input. ``~`` is the home folder.

    Raises
    ------
    InputError
        One line for each that is not there.
    """
    if isinstance(files, Inputs):
        return files
    given = [files] if isinstance(files, str | os.PathLike) else list(files)
    found: dict[str, Path] = {}
    problems: list[str] = []
    for one in given:
        try:
            text = _path(one)
            found.update((os.path.abspath(path), path) for path in _named(text))
        except InputError as error:
            problems.append(str(error))
    if not given:
        problems.append("found no files, expected one or more")
    if problems:
        raise InputError("\n".join(problems))
    return Inputs(found.values())


def _path(given: str | os.PathLike[str]) -> str:
    try:
        return os.fspath(given)
    except TypeError:
        found = f"found a {type(given).__name__}"
        raise InputError(f"{found}, expected a path; a pipeline's call takes open models") from None


def _named(text: str) -> Iterator[Path]:
    if text == "-":
        yield from _from_names(sys.stdin.read(), "standard input")
    elif text.startswith("@"):
        yield from _from_list(Path(expanded_path(text[1:])))
    else:
        yield from _from_path(Path(expanded_path(text)))


def _from_list(path: Path) -> Iterator[Path]:
    try:
        yield from _from_names(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of names ({error})") from None


def _from_names(text: str, where: str) -> Iterator[Path]:
    names = [line.strip() for line in text.splitlines() if line.strip()]
    if not names:
        raise InputError.at(where, "no names", "one a line")
    for name in names:
        yield from _from_path(Path(expanded_path(name)))


def _from_path(path: Path) -> Iterator[Path]:
    pattern = str(path)
    if os.path.isdir(path):  # of os.path, which tells no error of names that are too long or in a closed folder
        path /= IN_A_FOLDER
        pattern = os.path.join(glob.escape(pattern), IN_A_FOLDER)
    if os.path.exists(path):
        yield path
        return
    matching = sorted(glob.glob(pattern))
    if not matching:
        raise InputError(f"{path}: no such file")
    yield from map(Path, matching)
