"""Questions to the ``crds`` client. Only this module imports it, and only when it asks a question.

Rules and references come from where ``crds`` is told to look: ``CRDS_PATH`` (the cache), ``CRDS_CONTEXT``,
``CRDS_SERVER_URL`` and its other variables, https://jwst-crds.stsci.edu/docs/cmdline_bestrefs/. With no server set none
is contacted, and a cache that cannot be written to is used as it is. What goes wrong is a ReferenceFileError.
"""

import functools
import importlib.metadata
import logging
import os
import stat
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gpipe.controller.references.matching import Matching
from gpipe.controller.references.problems import in_one_line
from gpipe.exceptions import ReferenceFileError
from gpipe.forks import Lock
from gpipe.imports import deferred

Selection = Callable[[Mapping[str, str]], Hashable]

OBSERVATORY = "jwst"
NO_SERVER = "https://jwst-serverless.stsci.edu"
SERVER = "https://jwst-crds.stsci.edu"
DEFAULT_CACHE = "/grp/crds/cache"
HOW_TO_CONFIGURE = (
    f"set CRDS_PATH to a folder for the cache, and CRDS_SERVER_URL to {SERVER} unless the cache is complete"
)

# The client remembers answers in module globals: one question at a time, and none remembered from another environment.
_lock = Lock()
_remembered: tuple[tuple[tuple[str, str], ...], Path, int | None] | None = None
_answers: dict[Hashable, str] = {}
_selections: dict[tuple[str, str, str], Selection] = {}
ANSWERS = 20_000
"""How many answers are remembered; an exposure has some thirty, and those that CRDS does not tell apart share them."""
_chosen: ContextVar[str | None] = ContextVar("context", default=None)


def configured() -> bool:
    """Tell whether there is a cache or a server to ask; reads the environment only, so it costs no import."""
    variables = ("CRDS_PATH", "CRDS_PATH_SINGLE", "CRDS_CFGPATH", "CRDS_CFGPATH_SINGLE", "CRDS_CONFIG_URI")
    # Once imported, the client itself sets some of its variables, to the word None.
    set_ones = [v for v in variables if os.environ.get(v, "").lower() not in ("", "none")]
    return has_server() or bool(set_ones) or os.path.isdir(DEFAULT_CACHE)


def has_server() -> bool:
    """Tell whether a CRDS server is set; without one the network is never touched."""
    url = os.environ.get("CRDS_SERVER_URL", "")
    return bool(url) and "serverless" not in url and "server-less" not in url


def version() -> str:
    """The version of the crds client."""
    with _client() as crds:
        return str(crds.__version__)


def context() -> str:
    """The name of the context (``jwst_1234.pmap``) in force now.

    That of CRDS_CONTEXT; else the client's choice, which is the one made for the installed version of ``jwst``. Where
    that is not installed it is the latest, which the client would take too, with a warning that it found no software.
    """
    with _client() as crds:
        return _context(crds)


@contextmanager
def in_context(name: str | None) -> Iterator[None]:
    """Within the block this context is in force, in place of that of the environment; None: as outside."""
    token = _chosen.set(name or _chosen.get())
    try:
        yield
    finally:
        _chosen.reset(token)


def recommended(parameters: Mapping[str, Any], reftypes: Sequence[str]) -> dict[str, str]:
    """The name of the best reference of each type, in one request; nothing is downloaded.

    Exposures that differ in nothing that the rules of a type look at share the answer: it is asked for once.

    A type that does not apply to the exposure is ``'N/A'``; one without a match is ``'NOT FOUND'`` and the reason.

    Parameters
    ----------
    parameters : metadata of the exposure by dotted name, ``meta.instrument.name`` and so on.
    """
    # Rules of JWST look at meta only; to find a place for anything else the client would make a data model.
    relevant = {key: value for key, value in parameters.items() if key.startswith("meta.")}
    with _client() as crds:
        name = _context(crds)
        keys = _keys(crds, name, relevant, reftypes)
        unknown = [reftype for reftype in reftypes if keys[reftype] not in _answers]
        if unknown and not has_server():
            _load_rules(crds, name, relevant)
        if unknown:
            found = crds.getrecommendations(relevant, reftypes=unknown, context=name, observatory=OBSERVATORY)
            # A type that the rules omit for an exposure is absent from the answer.
            _answers.update({keys[reftype]: found.get(reftype, "N/A") for reftype in unknown})
        answers = {reftype: _answers[keys[reftype]] for reftype in reftypes}
        while len(_answers) > ANSWERS:
            del _answers[next(iter(_answers))]
    return {reftype: "N/A" if text.upper() in ("NOT FOUND N/A", "N/A") else text for reftype, text in answers.items()}


def _keys(crds: Any, context: str, parameters: Mapping[str, Any], reftypes: Sequence[str]) -> dict[str, Hashable]:
    """Return for each type all that its answer depends on."""
    conditioned = _conditioned(frozenset(parameters.items()))
    instrument = conditioned.get("META.INSTRUMENT.NAME", "")
    return {
        reftype: (context, instrument, reftype, _selection(crds, context, instrument, reftype)(conditioned))
        for reftype in reftypes
    }


@functools.lru_cache(maxsize=8)
def _conditioned(parameters: frozenset[tuple[str, Any]]) -> dict[str, str]:
    """Values as the client compares them with its rules, by name in capitals; an exposure asks many times."""
    from crds.core import utils

    return dict(utils.condition_header(dict(parameters)))


def _selection(crds: Any, context: str, instrument: str, reftype: str) -> Selection:
    """Return the function that selects the values of an exposure that the rules of a type look at."""
    key = context, instrument, reftype
    if key not in _selections:
        try:
            rules = crds.get_symbolic_mapping(context).get_imap(instrument).get_rmap(reftype)
            _selections[key] = Matching(rules).values
        except (crds.CrdsUnknownReftypeError, crds.IrrelevantReferenceTypeError, crds.OmitReferenceTypeError):
            _selections[key] = lambda conditioned: None  # the answer is the same for all exposures of the instrument
        except (crds.CrdsError, OSError, LookupError):  # of no use, or not in the cache yet: the request tells
            return lambda conditioned: frozenset(conditioned.items())
    return _selections[key]


def places(names: Iterable[str]) -> dict[str, Path]:
    """Locate references in the cache, by name, whether they are there or not."""
    with _client() as crds:
        return {name: Path(crds.locate_file(name, OBSERVATORY)) for name in sorted(set(names))}


def cache_folder() -> Path:
    """The folder of the cache."""
    with _client():
        from crds.core import config

        return Path(config.get_crds_path())


def rules(instruments: Iterable[str]) -> list[str]:
    """List the rules (mappings) of the context in force that exposures of these instruments need, by name."""
    with _client() as crds:
        top = crds.get_symbolic_mapping(_context(crds))
        return [top.basename, *(name for each in instruments for name in top.get_imap(each).mapping_names())]


def catalog() -> Mapping[str, Mapping[str, str]]:
    """Return ``size`` and ``sha1sum`` of all files of CRDS, by name; empty where neither server nor cache know them."""
    with _client():
        from crds.client.proxy import crds_decode
        from crds.core.heavy_client import get_config_info

        return dict(crds_decode(get_config_info(OBSERVATORY).get("download_metadata") or {}))


def local_files(names: Iterable[str]) -> dict[str, Path]:
    """Locate references in the cache, by name; missing ones are fetched from the server, if one is set.

    Those that cannot be had are named in one ReferenceFileError, with the cache.
    """
    paths = places(names)
    missing = [name for name, path in paths.items() if not path.is_file()]
    problems = [
        f"{name}: missing in the CRDS cache ({paths[name].parent}), and {why}" for name, why in fetch(missing).items()
    ]
    if problems:
        raise ReferenceFileError(in_one_line(problems))
    return paths


def fetch(names: Sequence[str], advance: Callable[[str, int], None] | None = None) -> dict[str, str]:
    """Download references into the cache; those that are there are replaced.

    A file has its name in the cache only when it is whole: size and checksum are those of the server.

    Parameters
    ----------
    advance : called with name and number of bytes for each piece that arrives.

    Returns
    -------
    Why, for each that cannot be had.
    """
    if not names:
        return {}
    with _client() as crds:
        from crds.client import api
        from crds.core import config

        if not has_server():
            return dict.fromkeys(names, "CRDS_SERVER_URL is not set")
        if config.get_cache_readonly():
            return dict.fromkeys(names, "the cache is read-only")
        cacher = api.FileCacher(_context(crds))
        if advance:
            cacher.get_data_http = _counting(cacher.get_data_http, advance)
        problems = {name: _download(cacher, name) for name in names}
        return {name: problem for name, problem in problems.items() if problem}


def _download(cacher: Any, name: str) -> str | None:
    """Download a file beside its place, and move it there when it is whole; else return what went wrong."""
    path = Path(cacher.locate(name))
    part = path.with_name(f".{os.getpid()}.{name}")
    try:
        cacher.download_files([name], {name: str(part)})
        os.replace(part, path)
    except Exception as error:  # of the client, which has a dozen classes, or of the network
        return f"{os.environ['CRDS_SERVER_URL']} does not hand it out ({' '.join(str(error).split())})"
    finally:
        part.unlink(missing_ok=True)
    return None


def _counting(data_of: Callable[[str], Iterator[bytes]], advance: Callable[[str, int], None]) -> Any:
    def counted(name: str) -> Iterator[bytes]:
        for piece in data_of(name):
            advance(name, len(piece))
            yield piece

    return counted


def _context(crds: Any) -> str:
    if chosen := _chosen.get():
        return str(crds.get_context_name(OBSERVATORY, chosen))
    latest = not os.environ.get("CRDS_CONTEXT") and not _jwst_is_installed()
    return str(crds.get_context_name(OBSERVATORY, "latest" if latest else None))


@functools.cache
def _jwst_is_installed() -> bool:
    try:
        return bool(importlib.metadata.version("jwst"))
    except importlib.metadata.PackageNotFoundError:
        return False


@contextmanager
def _through_logging_only() -> Iterator[None]:
    """Keep the client from writing to stderr by itself: handlers that somebody has installed get its records, once."""
    from crds.core import log

    logger, console, silent = log.THE_LOGGER.logger, log.THE_LOGGER.console, logging.NullHandler()
    is_there = console in logger.handlers  # not within another question, or where a user has taken it away
    logger.addHandler(silent)  # else Python shows warnings for which there is no handler
    try:
        if is_there:
            logger.removeHandler(console)
        yield
    finally:
        logger.removeHandler(silent)
        if is_there:
            logger.addHandler(console)


@contextmanager
def _client() -> Iterator[Any]:
    """The ``crds`` package, set to the environment of this moment; its failures become ReferenceFileError."""
    with _lock:
        if not configured():
            raise ReferenceFileError(f"CRDS is not configured (CRDS_PATH is not set): {HOW_TO_CONFIGURE}")
        try:
            crds = _crds_in_this_environment()
            with _through_logging_only():
                yield crds
        except ReferenceFileError:
            raise
        except (Exception, SystemExit) as error:
            raise ReferenceFileError(_in_one_line(error, os.environ.get("CRDS_PATH", DEFAULT_CACHE))) from error


def _crds_in_this_environment() -> Any:
    """The package; it asserts, when it is imported and when it is asked, that the ``CRDS_*`` variables make sense.

    Where none of them has changed, nor the default context of the cache, that is known already.
    """
    global _remembered
    with deferred("crds.io.tables", "crds.misc.check_archive"):  # tables of astropy and ``requests``: not for us
        import crds

    # The client itself writes "None" and then "none" into variables that nobody set.
    names = sorted(name for name in os.environ if name.startswith("CRDS_"))
    variables = tuple((name, os.environ[name]) for name in names if os.environ[name].lower() != "none")
    if _remembered is None or _remembered != (variables, server_config := _remembered[1], _changed(server_config)):
        server_config = _server_config()
        _forget_other_environment(server_config)
        _remembered = variables, server_config, _changed(server_config)
    return crds


def _server_config() -> Path:
    """The file that tells the default context; where no server can give it, it must be there."""
    from crds.core import config

    found = Path(config.locate_config("server_config", OBSERVATORY))
    if not has_server() and not found.is_file() and config.get_uri("server_config") == "none":
        cache = config.get_crds_path()
        raise ReferenceFileError(f"CRDS_PATH={cache}: {found} is missing: {HOW_TO_CONFIGURE}")
    return found


def _changed(server_config: Path) -> int | None:
    """Time of the last change; with a server the client rewrites the file itself, so that its time says nothing."""
    try:
        return None if has_server() else server_config.stat().st_mtime_ns
    except OSError:
        return None


def _forget_other_environment(server_config: Path) -> None:
    """Clear what the client remembers, and set it to the variables."""
    from crds.client import api
    from crds.core import config, utils

    utils.clear_function_caches()
    _answers.clear()
    _selections.clear()
    config.CRDS_REF_SUBDIR_MODE = "None"
    config.set_cache_readonly(server_config.is_file() and not _writable(Path(config.get_crds_refpath(OBSERVATORY))))
    url = os.environ.get("CRDS_SERVER_URL") or NO_SERVER
    if api.get_crds_server() != url.removesuffix("/"):
        api.set_crds_server(url)


def _writable(folder: Path) -> bool:
    """Tell whether the client may make files and folders in a folder: it does so for every instrument, or fails.

    The mode counts even for root, who is allowed everything: a cache without write permission is to stay as it is.
    """
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return os.access(existing, os.W_OK) and bool(existing.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def _load_rules(crds: Any, context: str, parameters: Mapping[str, Any]) -> None:
    """Read all rules that a request needs; with no server, the request itself prints a traceback for a missing one."""
    from crds.core import utils

    rules = crds.get_symbolic_mapping(context)
    rules.minimize_header(utils.condition_header(dict(parameters)))


def _in_one_line(error: BaseException, cache: str) -> str:
    """Describe an error of the client. A file that it misses is somewhere in the chain of causes."""
    if isinstance(error, SystemExit):
        server = f"CRDS server {os.environ['CRDS_SERVER_URL']} does not answer, and " if has_server() else ""
        return f"{server}CRDS_PATH={cache}: found no server_config that can be read: {HOW_TO_CONFIGURE}"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, FileNotFoundError) and cause.filename:
            name = os.path.basename(cause.filename)
            return f"{name}: missing in the CRDS cache (CRDS_PATH={cache}): {HOW_TO_CONFIGURE}"
        cause = cause.__cause__ or cause.__context__
    return "CRDS: " + " ".join(str(error).split() or [type(error).__name__])
