"""Places of the files that an association names."""

import logging
import os
from pathlib import Path

from gpipe.exceptions import InputError
from gpipe.user_files import expanded

log = logging.getLogger(__name__)


def places_of(name: str, folder: Path | None) -> list[Path]:
    """The paths under which a member may be; parameters as in `find_file`."""
    name = expanded(name)
    return [Path(name)] if folder is None or os.path.isabs(name) else [folder / name, Path(name)]


def find_file(name: str, folder: Path | None, role: str) -> Path:
    """The path of a member: absolute as given, else beside the association, else in the current folder.

    Parameters
    ----------
    name : as the association gives it.
    folder : of the association; None where it is no file.
    role : of the file, for messages.

    Raises
    ------
    InputError
        There is no such file, or two different ones, beside the association and in the current folder.
    """
    places = places_of(name, folder)
    found = [place for place in places if os.path.isfile(place)]
    if not found:
        looked_at = " or ".join(dict.fromkeys(str(place.absolute()) for place in places))
        raise InputError(f"{role}: found no file {looked_at}")
    if len(found) > 1 and not os.path.samefile(*found):
        both = " and ".join(str(place.absolute()) for place in found)
        raise InputError.at(role, f"two different files {both}", "one; name its folder in the association")
    if found[0] is not places[0]:
        log.info("%s: %s is in the current folder, not beside the association", role, name)
    return found[0]
