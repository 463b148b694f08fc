"""Resolution of reference files for the steps of a run: from CRDS, or what a user gave instead.

N/A is a valid answer; `absent` says what follows from it.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpipe.controller.declaration.results import References
from gpipe.controller.references import crds_client
from gpipe.controller.references.overrides import CRDS_SCHEME, NOT_APPLICABLE, Choice, choice
from gpipe.controller.references.problems import in_one_line
from gpipe.datamodels.references.cache import open_reference
from gpipe.datamodels.references.reference import Reference
from gpipe.exceptions import ReferenceFileError

log = logging.getLogger(__name__)

NO_MATCH = "NOT FOUND"
Chosen = dict[tuple[str, str], Choice]


@dataclass(frozen=True)
class Resolution:
    """The references of every step of a run, and the context in force (None without CRDS)."""

    steps: Mapping[str, References] = field(default_factory=dict)
    context: str | None = None
    crds_version: str | None = None


def resolve(
    wanted: Mapping[str, Sequence[str]],
    crds_parameters: Mapping[str, Any],
    overrides: Mapping[str, Mapping[str, Any]],
    meta: Any,
    exposure: str = "",
) -> Resolution:
    """Find all reference files of a run, in one request to CRDS, and check them against the exposure; no pixel is read.

    Parameters
    ----------
    wanted : reference types by step, for every step that will run.
    crds_parameters : metadata of the exposure by dotted name (``meta.instrument.name`` …), which CRDS selects by.
    overrides : by step and reference type: a path, ``crds://NAME``, ``'N/A'`` or an open model; None: not given.
    meta : the same metadata as a ``stdatamodels`` tree, which the files are checked against.
    exposure : its name, or the path of its file, for messages.

    Returns
    -------
    Resolution. Steps that use the same file share one Reference. CRDS is not needed when everything is overridden; its
    context is recorded, if it has one. ReferenceFileError names the exposure and, as far as they fit in a line, all
    types without a match, or all files that are missing, damaged, of another type or do not cover the exposure.
    """
    chosen, asked_crds = choose(wanted, crds_parameters, overrides, exposure)
    opened = _opened(chosen, meta, exposure)
    folder = os.path.dirname(exposure)
    steps = {step: References({t: opened[step, t] for t in types}, folder) for step, types in wanted.items()}
    return Resolution(steps, *(context() if asked_crds else _context_in_force(chosen)))


def choose(
    wanted: Mapping[str, Sequence[str]],
    crds_parameters: Mapping[str, Any],
    overrides: Mapping[str, Mapping[str, Any]],
    exposure: str = "",
) -> tuple[Chosen, bool]:
    """Decide on the references of a run, by step and type, without looking for files; and tell if CRDS had a say.

    Parameters are those of `resolve`. ReferenceFileError names the types without a match.
    """
    given = {(s, t): choice(v) for s, values in overrides.items() for t, v in values.items() if v is not None}
    pairs = [(step, reftype) for step, reftypes in wanted.items() for reftype in reftypes]
    from_crds = _best(
        sorted({reftype for step, reftype in pairs if (step, reftype) not in given}), crds_parameters, exposure
    )
    chosen = {(step, reftype): given.get((step, reftype)) or from_crds[reftype] for step, reftype in pairs}
    return chosen, bool(from_crds) or any(c.in_crds for c in chosen.values())


def find_reference(reftype: str, crds_parameters: Mapping[str, Any], override: Any = None) -> Any:
    """Find one reference: its path as text, ``'N/A'``, or the open model that is its override.

    ReferenceFileError: CRDS has none for the exposure, or it is not to be had.
    """
    chosen = _best([reftype], crds_parameters)[reftype] if override is None else choice(override)
    if not chosen.applies:
        return NOT_APPLICABLE
    if chosen.in_crds:
        return str(crds_client.local_files([chosen.in_crds])[chosen.in_crds])
    return str(chosen.source) if isinstance(chosen.source, Path) else chosen.source


def parameter_file_names(reftypes: Sequence[str], crds_parameters: Mapping[str, Any]) -> dict[str, str]:
    """The names of the CRDS parameter files for an exposure, by type; only of those that there are."""
    if not crds_client.configured():
        return {}
    with suppress(ReferenceFileError):
        found = crds_client.recommended(crds_parameters, reftypes)
        return {t: name for t, name in found.items() if name != NOT_APPLICABLE and not name.startswith(NO_MATCH)}
    return {}


def find_parameter_file(reftype: str, crds_parameters: Mapping[str, Any]) -> Path | None:
    """The CRDS parameter file (``pars-jumpstep`` …) for an exposure; None where there is none, or CRDS cannot be asked.

    Only a file that the rules name and that cannot be had is worth a warning: the run then differs from that elsewhere.
    """
    if not crds_client.configured():
        return None
    try:
        name = crds_client.recommended(crds_parameters, [reftype])[reftype]
    except ReferenceFileError as error:
        log.debug("%s: no parameters from CRDS: %s", reftype, error)
        return None
    if name == NOT_APPLICABLE or name.startswith(NO_MATCH):
        log.debug("%s: no parameters in CRDS (%s)", reftype, name)
        return None
    try:
        return crds_client.local_files([name])[name]
    except ReferenceFileError as error:
        log.warning("%s is not used: %s", reftype, error)
        return None


def context() -> tuple[str, str]:
    """The CRDS context in force and the version of the crds client; ReferenceFileError if CRDS is not configured."""
    return crds_client.context(), crds_client.version()


def _context_in_force(chosen: Chosen) -> tuple[str, str] | tuple[()]:
    """The context that jwst records beside overrides, which it did not choose; nothing without CRDS or references."""
    with suppress(ReferenceFileError):
        return context() if chosen and crds_client.configured() else ()
    return ()


def _best(reftypes: Sequence[str], parameters: Mapping[str, Any], exposure: str = "") -> dict[str, Choice]:
    """Ask CRDS for the best reference of each type; one error names the types without a match."""
    if not reftypes:
        return {}
    answers = crds_client.recommended(parameters, reftypes)
    _raise([_no_match(t, text, parameters) for t, text in answers.items() if text.startswith(NO_MATCH)], exposure)
    return {t: Choice(text if text == NOT_APPLICABLE else CRDS_SCHEME + text) for t, text in answers.items()}


def _no_match(reftype: str, answer: str, parameters: Mapping[str, Any]) -> str:
    reason = " ".join(answer.removeprefix(NO_MATCH).split())
    observed = f"{parameters.get('meta.observation.date')} {parameters.get('meta.observation.time')}"
    when = "" if "parameter" in reason or "type" in reason else f" (observed {observed})"
    return f"{reftype}: no reference file in {crds_client.context()}: {reason}{when}"


def _opened(chosen: Chosen, meta: Any, exposure: str) -> dict[tuple[str, str], Reference | None]:
    """A Reference for each (step, type), opened once for each file; all that cannot be used are told in one error."""
    paths = _paths([c.in_crds for c in chosen.values() if c.in_crds], exposure)
    distinct = {(reftype, c.key): c for (_, reftype), c in chosen.items() if c.applies}
    opened: dict[tuple[str, tuple[str, int | None]], Reference] = {}
    problems = []
    for (reftype, key), c in distinct.items():
        try:
            opened[reftype, key] = open_reference(reftype, paths[c.in_crds] if c.in_crds else c.source, c.name)
            opened[reftype, key].check(meta)
            log.info("%s reference: %s", reftype, c.name)
        except ReferenceFileError as error:
            problems.append(str(error) if c.source is None else f"override_{reftype}: {error}")
    _raise(problems, exposure)
    return {(step, reftype): opened.get((reftype, c.key)) for (step, reftype), c in chosen.items()}


def _paths(names: Sequence[str], exposure: str) -> Mapping[str, Path]:
    try:
        return crds_client.local_files(names) if names else {}
    except ReferenceFileError as error:
        raise _error(str(error), exposure) from None


def _raise(problems: Sequence[str], exposure: str) -> None:
    if problems:
        raise _error(in_one_line(problems), exposure)


def _error(line: str, exposure: str) -> ReferenceFileError:
    return ReferenceFileError(f"{line} (exposure: {exposure})" if exposure else line)
