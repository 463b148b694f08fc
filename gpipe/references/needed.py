"""`needed`, `check`, `fetch`, `changes`: references of exposures before anything runs."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpipe.associations import is_association
from gpipe.batch.choice import first_header, named_class, pipeline_of
from gpipe.batch.files import expanded
from gpipe.controller import Step
from gpipe.controller.call import CallOptions
from gpipe.controller.inputs import jobs_of
from gpipe.controller.products.file_lock import alone_with
from gpipe.controller.references import crds_client
from gpipe.datamodels.references.checks import reference_error
from gpipe.datamodels.references.reference import Reference
from gpipe.exceptions import GpipeError, InputError, ReferenceFileError
from gpipe.references.collecting import Collection, with_file
from gpipe.references.report import Change, Needed, NeededReference, State, compared

Files = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
Advance = Callable[[str, int], None]


def needed(
    files: Files,
    *,
    pipeline: str | type[Step] | None = None,
    steps: Mapping[str, Mapping[str, Any]] | None = None,
    config_file: str | os.PathLike[str] | None = None,
    uses_crds_parameters: bool = True,
    **parameters: Any,
) -> Needed:
    """List the references that a run of files would use, and look for them in the cache.

    Each header is read once, and CRDS is asked once for exposures that its rules do not tell apart. Steps that are
    skipped need no references. With a server set, the client fetches rules, and parameter files, that are not there.

    Parameters
    ----------
    files, pipeline, steps, config_file, uses_crds_parameters, parameters : as of ``gpipe.run``.

    Returns
    -------
    The references, their exposures, steps and state. An exposure that cannot be read, or that CRDS has no reference
    for, is one of the ``problems``.

    Raises
    ------
    GpipeError
        A file is not there, none can be used, a parameter is wrong, or CRDS is not configured.
    """
    options = CallOptions(parameters, steps, config_file, uses_crds_parameters=uses_crds_parameters)
    return _collected(files, pipeline, options, [None])[0]


def changes(
    files: Files,
    context: str,
    *,
    pipeline: str | type[Step] | None = None,
    steps: Mapping[str, Mapping[str, Any]] | None = None,
    config_file: str | os.PathLike[str] | None = None,
    uses_crds_parameters: bool = True,
    **parameters: Any,
) -> list[Change]:
    """List the references that another context would choose for files.

    Parameters
    ----------
    context : name of the other context (``"jwst_1303.pmap"``).
    files, pipeline, steps, config_file, uses_crds_parameters, parameters : as of `needed`; so are the errors. The first
        problem of an exposure is raised.
    """
    options = CallOptions(parameters, steps, config_file, uses_crds_parameters=uses_crds_parameters)
    before, after = _collected(files, pipeline, options, [None, context])
    for problem in (*before.problems, *after.problems):
        raise problem
    return compared(before, after)


def check(needed: Needed) -> Needed:
    """Open each file that is there, and return the references with what is wrong.

    Type, instrument, arrays and the part of the detector are checked as before a run; size and sha1 where CRDS, or the
    cache, tell them. No pixel is read but for the sha1.
    """
    catalog = crds_client.catalog() if needed.context else {}
    return replace(needed, references=tuple(_checked(one, catalog.get(one.name, {})) for one in needed.references))


def fetch(needed: Needed, advance: Advance | None = None) -> Needed:
    """Download what is missing or damaged into the cache, and return the references as they are now.

    What is whole is not fetched again, and no half file gets its name in the cache. One process at a time
    fetches into a cache.

    Parameters
    ----------
    advance : called with the name of the file and the number of bytes for each piece that arrives.

    Raises
    ------
    ReferenceFileError
        One line for each that cannot be had; the others are in the cache then.
    OutputError
        Another process is fetching.
    """
    wanted = [one for one in needed.lacking if one.in_crds]
    if not wanted or needed.cache is None:
        return needed
    if not crds_client.has_server():
        count = f"{len(wanted)} reference{'s are' if len(wanted) > 1 else ' is'} missing or damaged"
        raise ReferenceFileError(f"CRDS_SERVER_URL is not set, and {count}; expected {crds_client.SERVER}")
    with alone_with(needed.cache / "fetch"):
        again = [one for one in wanted if one.state == State.DAMAGED or not (one.path and one.path.is_file())]
        problems = crds_client.fetch(sorted({one.name for one in again}), advance)
    if problems:
        raise ReferenceFileError("\n".join(f"{name}: {why}" for name, why in problems.items()))
    catalog = crds_client.catalog()
    found = [with_file(one, catalog.get(one.name, {})) if one in wanted else one for one in needed.references]
    return replace(needed, references=tuple(found))


def _collected(
    files: Files, pipeline: str | type[Step] | None, options: CallOptions, contexts: list[str | None]
) -> list[Needed]:
    """Read the headers one by one, and collect what each needs under each context."""
    paths = expanded(files)
    cls = named_class(pipeline) if isinstance(pipeline, str) else pipeline
    collections: list[Collection] = []
    problems: list[GpipeError] = []
    for path in paths:
        try:
            source = paths.headers.get(path) or path
            if not cls and not is_association(path):
                source = first_header(source)
            chosen = cls or pipeline_of(first_header(source))
            collections = collections or [Collection(chosen, options, context) for context in contexts]
            _check_same(path, chosen, collections[0].cls)
            for job in jobs_of(chosen, source):
                for collection in collections:
                    collection.add(job.science)
        except InputError as error:
            problems.append(error)
    if not collections:
        raise InputError("\n".join(map(str, problems)))
    for collection in collections:
        collection.problems += problems
    return [collection.needed() for collection in collections]


def _check_same(path: Path, cls: type[Step], expected: type[Step]) -> None:
    if cls is not expected:
        found = f"found a file for {cls.__name__}"
        raise InputError(f"{path}: {found}, expected one for {expected.__name__} as before it (or -p PIPELINE)")


def _checked(reference: NeededReference, known: Mapping[str, str]) -> NeededReference:
    if reference.path is None or reference.state not in (State.CACHED, State.OVERRIDE):
        return reference
    try:
        opened = Reference(reference.type, reference.path, reference.name)
        for meta in reference.metas:
            opened.check(meta)
        _check_sum(reference, known.get("sha1sum") if reference.in_crds else None)
    except ReferenceFileError as error:
        size = int(known["size"]) if known else None
        return replace(reference, state=State.DAMAGED, bytes=size, problem="; ".join(str(error).splitlines()))
    return reference


def _check_sum(reference: NeededReference, expected: str | None) -> None:
    if reference.path is None or expected in (None, "", "none"):
        return
    try:
        with reference.path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise ReferenceFileError(f"{reference.path}: cannot be read ({error.strerror})") from None
    if found != expected:
        raise reference_error(reference.type, str(reference.path), f"found sha1 {found}", f"{expected}, as CRDS has it")
