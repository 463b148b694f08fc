"""Values that a source gives to a step and its substeps, and the source of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    """Origins of a value, lowest rank first."""

    DEFAULT = "default"
    CRDS = "CRDS file"
    CONFIG = "config file"
    STEP_FILE = "step file"
    KEYWORD = "keyword"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True)
class Origin:
    """Origin of the value of a parameter; as text, for example ``config file my.asdf``."""

    kind: Kind
    file: Path | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.file.name}" if self.file else str(self.kind)

    @property
    def by_user(self) -> bool:
        """Tell whether the user chose the value, rather than gpipe or CRDS."""
        return self.kind not in (Kind.DEFAULT, Kind.CRDS)


DEFAULT = Origin(Kind.DEFAULT)
KEYWORD = Origin(Kind.KEYWORD)
ATTRIBUTE = Origin(Kind.ATTRIBUTE)


@dataclass(frozen=True)
class Settings:
    """One layer of values: of a step, and of its substeps by name. Later layers win, name by name."""

    origin: Origin
    values: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, "Settings"] = field(default_factory=dict)
