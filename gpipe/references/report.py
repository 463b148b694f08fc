"""References that exposures need, with their state: values to look into and to print."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from gpipe.exceptions import GpipeError, details

HEADINGS = ("type", "file", "MB", "for", "used by", "state")


class State(StrEnum):
    """State of a reference: in the cache, not there, there but of no use, of no use for the exposures, a user's own."""

    CACHED = "cached"
    MISSING = "MISSING"
    DAMAGED = "damaged"
    NOT_APPLICABLE = "N/A"
    OVERRIDE = "override"


@dataclass(frozen=True)
class NeededReference:
    """A reference that exposures need.

    Attributes
    ----------
    type : reference type, ``pars-…`` for a parameter file.
    name : of the file in CRDS; the path or handle of an override; ``N/A``.
    state : as far as it is known: `gpipe.references.check` opens the file.
    path : where it is, or is to be; None for ``N/A`` and for open models.
    bytes : size of a whole file, or that which CRDS tells of one that is not; None if unknown.
    exposures : names of the exposures that need it.
    steps : names of the steps that use it.
    problem : what is wrong with it, in one line.
    metas : metadata of an exposure for each part of the detector that it must cover.
    """

    type: str
    name: str
    state: State
    path: Path | None = None
    bytes: int | None = None
    exposures: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    problem: str | None = None
    metas: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    @property
    def in_crds(self) -> bool:
        """True for a file of CRDS, False for overrides and ``N/A``."""
        return self.path is not None and self.name == self.path.name

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line of the table, see ``HEADINGS``."""
        size = "" if self.bytes is None else _megabytes(self.bytes)
        return self.type, self.name, size, str(len(self.exposures)), " ".join(self.steps), self.state


@dataclass(frozen=True)
class Needed:
    """References that exposures need; as text, a table with totals.

    Attributes
    ----------
    references : those of steps first, then parameter files (``pars-…``).
    rules : the mappings that chose them: the context, and all that the client reads for the instruments.
    context : in force; None if CRDS was not asked.
    cache : folder of CRDS.
    exposures : names, in order; those with a problem are left out.
    problems : one error for each exposure that cannot be read, or that CRDS has no reference for.
    """

    references: tuple[NeededReference, ...]
    rules: tuple[Path, ...] = ()
    context: str | None = None
    cache: Path | None = None
    exposures: tuple[str, ...] = ()
    problems: tuple[GpipeError, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the table as ``gpipe refs --json`` prints it: values of JSON, and paths."""
        references = [{k: v for k, v in vars(one).items() if k != "metas"} for one in self.references]
        return {**vars(self), "references": references, "problems": [details(one) for one in self.problems]}

    def of_state(self, *states: State) -> list[NeededReference]:
        """List those of a state."""
        return [reference for reference in self.references if reference.state in states]

    @property
    def lacking(self) -> list[NeededReference]:
        """List those that are missing or damaged."""
        return self.of_state(State.MISSING, State.DAMAGED)

    def names(self) -> list[str]:
        """List all files of CRDS that the exposures need, rules too, by their path from the folder of the cache."""
        files = [reference.path for reference in self.references if reference.in_crds]
        paths = [path for path in (*self.rules, *files) if path]
        return list(dict.fromkeys(os.path.relpath(path, self.cache or ".") for path in paths))

    def totals(self) -> str:
        """Return the line below the table."""
        real = [reference for reference in self.references if reference.state != State.NOT_APPLICABLE]
        files = {reference.path or reference.name: reference.bytes or 0 for reference in real}
        counts = [(state, len(self.of_state(state))) for state in (State.MISSING, State.DAMAGED)]
        wrong = [f"{count} {state.lower()}" for state, count in counts if count]
        size = f"{_megabytes(sum(files.values()))} MB" if files else "nothing to read"
        of_crds = f", {len(self.rules)} rules of {self.context}" if self.context else ""
        whole = f"{counted(len(files), 'reference')} for {counted(len(self.exposures), 'exposure')}, {size}{of_crds}"
        return f"{whole}: {' and '.join(wrong) or 'none missing'}{self._to_fetch()}"

    def _to_fetch(self) -> str:
        sizes = [reference.bytes for reference in self.lacking if reference.in_crds]
        known = sum(size for size in sizes if size)
        return f" (gpipe refs fetch gets {_megabytes(known)} MB)" if sizes and None not in sizes else ""

    def __str__(self) -> str:
        problems = [f"{reference.problem}" for reference in self.references if reference.problem]
        return "\n".join(
            [*_table([HEADINGS, *(reference.cells for reference in self.references)]), *problems, self.totals()]
        )


@dataclass(frozen=True)
class Change:
    """A reference that is another one in another context.

    Attributes
    ----------
    before, after : names of the files; ``N/A`` where there is none.
    exposures : names of those that it is another one for.
    """

    type: str
    before: str
    after: str
    exposures: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}: {self.before} → {self.after} for {' '.join(self.exposures)}"


def compared(before: Needed, after: Needed) -> list[Change]:
    """List the references that are others, by type and file, with their exposures."""
    old, new = _by_exposure(before), _by_exposure(after)
    found: dict[tuple[str, str, str], list[str]] = {}
    for exposure, reftype in dict.fromkeys([*old, *new]):
        one, other = (by.get((exposure, reftype), State.NOT_APPLICABLE.value) for by in (old, new))
        if one != other:
            found.setdefault((reftype, one, other), []).append(exposure)
    return [Change(*key, tuple(exposures)) for key, exposures in found.items()]


def _by_exposure(needed: Needed) -> dict[tuple[str, str], str]:
    return {(name, one.type): one.name for one in needed.references for name in one.exposures}


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = {HEADINGS.index("MB"), HEADINGS.index("for")}
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        yield "  ".join(f"{cell:{'>' if k in numbers else '<'}{width}}" for k, (cell, width) in cells).rstrip()


def _megabytes(count: int) -> str:
    return "<0.1" if 0 < count < 5e4 else f"{count / 1e6:.{0 if count >= 1e7 else 1}f}"


def counted(count: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
