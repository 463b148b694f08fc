"""Keys of runs: the same key, the same products.

A key is a digest of all that decides the pixels of products: pipeline, parameters, references, input, companions and
version of gpipe. Folders, logs, threads, memory, backend and the context of CRDS are not in it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from gpipe.arrays.threads import ThreadPool
from gpipe.batch import digests
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.parameters.types import Path as FileParameter
from gpipe.controller.products.identity import INPUT, KEY
from gpipe.controller.references.overrides import CRDS_SCHEME
from gpipe.controller.run.record import RunRecord
from gpipe.datamodels import Header
from gpipe.datamodels.files.sources import primary_keyword
from gpipe.exceptions import GpipeError

VERSION = 1
"""Version of the form of keys."""
NAMES_AND_FOLDERS = {
    *("output_dir", "output_file", "output_ext", "output_use_model", "output_use_index", "overwrite_input"),
    *("save_results", "suffix", "search_output_file", "input_dir", "dark_output", "opt_name", "int_name"),
}
CHANGE_NOTHING = {*NAMES_AND_FOLDERS, "maximum_cores"}
"""Parameters that change no product: where it is, and how it is made. Those that begin with save_ ask for one more."""
HOOKS = ("pre_hooks", "post_hooks")


def changes_products(name: str) -> bool:
    """Tell whether the parameter of this name can change a product."""
    return name not in CHANGE_NOTHING and not name.startswith("save_")


class Keys:
    """Makes the keys of runs. Files are digested on a thread, while the runs are at work.

    Parameters
    ----------
    skips : whether runs whose products are there already are to be left out.
    """

    def __init__(self, *, skips: bool = False) -> None:
        self._skips = skips
        self._thread = ThreadPool(1, "digests")

    def __enter__(self) -> "Keys":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def identify(self, top: StepBase, steps: Sequence[StepBase], header: Header, record: RunRecord) -> "RunKey | None":
        """Begin the key of a run; None where a part of it has no digest: code or models of a user, answers of jwst."""
        everyone = [step for step in dict.fromkeys((top, *steps)) if not record.skips(step)]
        references = _references(everyone, record)
        if any(map(_is_beyond, everyone)) or any(found.path is None for found in references.values()):
            return None
        names = {user: found.name for user, found in references.items() if _is_in_crds(found)}
        files = {user: found.path for user, found in references.items() if user not in names}
        files |= {**_files_of_parameters(everyone), **_companions(record)}
        facts = {
            "version": VERSION,
            "pipeline": f"{type(top).__module__}.{type(top).__qualname__}",
            "parameters": {step.name: _parameters(step) for step in everyone},
            "references": names,
        }
        return RunKey(self._thread.submit(_keywords, facts, files, header.name), skips=self._skips)


class RunKey:
    """The key of a run, and the digest of its input."""

    def __init__(self, made: "Future[dict[str, str]]", *, skips: bool) -> None:
        self._made, self._skips = made, skips

    def keywords(self) -> Mapping[str, str]:
        """Return the keywords for the headers of its products, when the digests are there."""
        return self._made.result()

    def is_in(self, products: Sequence[Path]) -> bool:
        """Tell whether all of these products are there, whole and with this key."""
        if not (self._skips and products and all(path.is_file() for path in products)):
            return False
        found = {_key_in(path) for path in products}
        return len(found) == 1 and None not in found and found == {self.keywords()[KEY]}


def _keywords(facts: dict[str, Any], files: Mapping[str, Any], source: str) -> dict[str, str]:
    content = {name: digests.of_file(path) for name, path in files.items()}
    of_input = digests.of_file(source)
    whole = {**facts, "files": content, "input": of_input, "gpipe": digests.software()}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return {KEY: digests.of_bytes(text.encode()), INPUT: of_input}


def _key_in(product: Path) -> str | None:
    """Read the key of a product; None for a file that has none, or is not whole."""
    try:
        return primary_keyword(product, KEY)
    except GpipeError:
        return None


def _is_beyond(step: StepBase) -> bool:
    """Tell whether the work of a step depends on more than what a key is made of."""
    hooked = any(getattr(step, name) for name in HOOKS)
    return hooked or step.asks_jwst or not type(step).__module__.startswith("gpipe.")


def _is_in_crds(reference: Any) -> bool:
    """Tell whether the name of a reference is enough: that of a file in CRDS never gets another content."""
    return str(reference.name).startswith(CRDS_SCHEME)


def _references(steps: Iterable[StepBase], record: RunRecord) -> dict[str, Any]:
    of_steps = [(step.name, record.references(step)) for step in steps if not step.substeps()]
    pairs = [(f"{name} {kind}", found.get(kind)) for name, found in of_steps for kind in found]
    return {user: reference for user, reference in pairs if reference is not None}


def _parameters(step: StepBase) -> dict[str, Any]:
    """Return the values that can change a product; files count by their content, among the others."""
    declared = type(step).parameters().items()
    return {name: getattr(step, name) for name, kind in declared if changes_products(name) and not _is_file(kind)}


def _is_file(declared: Any) -> bool:
    return isinstance(declared, FileParameter)


def _files_of_parameters(steps: Iterable[StepBase]) -> dict[str, str]:
    declared = [(step, name, kind) for step in steps for name, kind in type(step).parameters().items()]
    mattering = [(step, name) for step, name, kind in declared if _is_file(kind) and changes_products(name)]
    given = {f"{step.name} {name}": getattr(step, name) for step, name in mattering if not name.startswith("override_")}
    return {name: path for name, path in given.items() if path}


def _companions(record: RunRecord) -> dict[str, Path]:
    by_type = [(exptype, record.companions[exptype]) for exptype in record.companions]
    return {f"{exptype} {number}": one.path for exptype, found in by_type for number, one in enumerate(found)}
