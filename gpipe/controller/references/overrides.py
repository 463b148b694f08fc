"""Values of ``override_<reftype>``: a path, ``crds://NAME``, ``'N/A'`` or an open model."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpipe.user_files import expanded

NOT_APPLICABLE = "N/A"
CRDS_SCHEME = "crds://"


@dataclass(frozen=True)
class Choice:
    """A reference that is decided on: what ``R_*`` records, and where it is (None: in CRDS, or nowhere for N/A)."""

    name: str
    source: Path | Any | None = None

    @property
    def applies(self) -> bool:
        """False for ``'N/A'``: no reference applies."""
        return self.name != NOT_APPLICABLE

    @property
    def in_crds(self) -> str | None:
        """Its name in CRDS, if it is to be found there."""
        return self.name.removeprefix(CRDS_SCHEME) if self.name.startswith(CRDS_SCHEME) else None

    @property
    def key(self) -> tuple[str, int | None]:
        """Equal for choices of the same file; two open models of one class have one name but are two choices."""
        return self.name, None if self.source is None or isinstance(self.source, Path) else id(self.source)


def choice(value: Any) -> Choice:
    """Interpret the value of an override.

    Relative paths count from the working directory, also those from a parameter file; ``~`` and ``$VAR`` are expanded.
    """
    if not isinstance(value, (str, os.PathLike)):
        return Choice(f"override://{type(value).__name__}", value)
    text = os.fspath(value).strip()
    if text.upper() == NOT_APPLICABLE:
        return Choice(NOT_APPLICABLE)
    if text.startswith(CRDS_SCHEME):
        return Choice(text)
    path = Path(expanded(text)).absolute()
    return Choice(str(path), path)
