"""Forgeries: files that are not what they should be, and calls that meet them."""

import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from faults import calls, damage, texts
from faults.state import memory

ROOM = 2_000_000_000
"""Bytes of addresses that a forgery may take in a child, beyond those that it has."""
PATIENCE = 20
"""Seconds after which a call is interrupted."""
Make = Callable[[Random, Path, Mapping[str, str]], str]
"""Makes the file that a path names, or another; returns its path."""


class TooLongError(BaseException):
    """A call has not ended in time; no handler of errors takes it for one of the file."""


@dataclass(frozen=True)
class Forgery:
    """A file and its part in a call.

    Attributes
    ----------
    make : makes the file.
    part : ``source``, or the keyword that the path is given to; ``override_`` ones go to the step that reads them.
    ending : of the file's name.
    drawn : how often it is tried, where the random numbers decide what is damaged; else 0.
    refused : False where it may be calibrated.
    named : words of which the error may hold one in place of the file's name.
    one_line : False where the name itself has several lines.
    """

    make: Make
    part: str = "source"
    ending: str = "_uncal.fits"
    drawn: int = 0
    refused: bool = True
    named: tuple[str, ...] = ()
    one_line: bool = True

    def call(self, path: str, uncal: str) -> tuple[Any, dict[str, Any]]:
        """The source and the options of the call that meets the file."""
        if self.part == "source":
            return path, {}
        if self.part in _STEPS:
            return uncal, {"steps": {_STEPS[self.part]: {self.part: path}}}
        return uncal, {self.part: path, "configure_log": True}


_STEPS = {
    "override_gain": "jump",
    "override_linearity": "linearity",
    "override_superbias": "superbias",
    "override_saturation": "saturation",
    "override_mask": "dq_init",
}


def _of(material: str, change: Callable[[Random, bytes], bytes]) -> Make:
    def make(random: Random, path: Path, materials: Mapping[str, str]) -> str:
        path.write_bytes(change(random, Path(materials[material]).read_bytes()))
        return str(path)

    return make


def _text(content: str | bytes) -> Make:
    def make(random: Random, path: Path, materials: Mapping[str, str]) -> str:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return make


def _special(kind: Callable[[Path], str]) -> Make:
    return lambda random, path, materials: kind(path)


def _renamed(name: str) -> Make:
    def make(random: Random, path: Path, materials: Mapping[str, str]) -> str:
        shutil.copy(materials["uncal"], path.parent / name)
        return str(path.parent / name)

    return make


def _files() -> Iterator[tuple[str, Forgery]]:
    for material, part, ending in (
        ("uncal", "source", "_uncal.fits"),
        ("gain", "override_gain", "_gain.fits"),
        ("linearity", "override_linearity", "_linearity.fits"),
        ("superbias", "override_superbias", "_superbias.fits"),
    ):
        yield f"{material}: cut", Forgery(_of(material, damage.cut), part, ending, 3)
        yield f"{material}: flipped bits", Forgery(_of(material, damage.flip), part, ending, 6, False)
        yield f"{material}: nonsense in a card", Forgery(_of(material, damage.nonsense), part, ending, 8, False)
    for name, change in damage.COMPRESSED.items():
        yield f"gzip: {name}", Forgery(_of("uncal", change), ending="_uncal.fits.gz", refused=name not in damage.VALID)
    for name, change in damage.ASDF.items():
        yield f"ASDF: {name}", Forgery(_of("rate", change), ending="_rate.asdf", drawn=2)
    for name, kind in damage.SPECIAL.items():
        for part, ending in (("source", "_uncal.fits"), ("override_gain", "_gain.fits"), ("config_file", ".asdf")):
            refused = part != "config_file" or name not in damage.EMPTY
            yield f"{part}: {name}", Forgery(_special(kind), part, ending, refused=refused)


def _texts() -> Iterator[tuple[str, Forgery]]:
    for name, content in texts.PARAMETERS.items():
        yield f"parameters: {name}", Forgery(_text(content), "config_file", ".asdf", refused=name not in texts.VALID)
    for name, content in texts.ASSOCIATIONS.items():
        yield f"association: {name}", Forgery(_text(content), ending="_asn.json")
    for name, content in texts.LOGGING.items():
        yield f"logcfg: {name}", Forgery(_text(content), "logcfg", ".cfg", named=("logcfg",))
    for name, found in texts.NAMES.items():
        yield f"name: {name}", Forgery(_renamed(found), refused=False, one_line="\n" not in found)
    for name, found in texts.NO_NAMES.items():
        yield f"name: {name}", Forgery(lambda *_, found=found: found, named=("name", "path", "file"))


ALL: dict[str, Forgery] = dict([*_files(), *_texts()])


def try_all(batch: Sequence[tuple[str, int]], materials: Mapping[str, str]) -> list[dict[str, Any]]:
    """In a child: try forgeries one after another; what came of each."""
    calls.refused(materials["uncal"])  # all is imported then
    shutil.rmtree("out")
    soft = memory("VmSize") + ROOM
    signal.signal(signal.SIGALRM, _give_up)
    resource.setrlimit(resource.RLIMIT_AS, (soft, resource.getrlimit(resource.RLIMIT_AS)[1]))
    return [_tried(name, seed, materials) for name, seed in batch]


def _tried(name: str, seed: int, materials: Mapping[str, str]) -> dict[str, Any]:
    forgery, folder = ALL[name], Path("forged")
    Path("../at.txt").write_text(f"{name} ({seed})")
    folder.mkdir()
    path = forgery.make(Random(seed), folder / f"forged{forgery.ending}", materials)
    source, options = forgery.call(path, materials["uncal"])
    before, started = _forget_peak(), time.monotonic()
    signal.alarm(PATIENCE)
    error = calls.refused(source, options)
    signal.alarm(0)
    seconds, peak = time.monotonic() - started, memory("VmHWM")
    written = [str(found) for found in Path("out").rglob("*") if error] if Path("out").exists() else []
    shutil.rmtree("out", ignore_errors=True)
    shutil.rmtree(folder)
    return {
        "name": name,
        "seed": seed,
        "error": error,
        "seconds": seconds,
        "bytes": peak - before,
        "written": written,
        "refused": forgery.refused,
        "one_line": forgery.one_line,
        "letters": len(path),
        "named": [Path(path).name, *forgery.named, "override_", "meta."],
    }


def _give_up(*_: Any) -> None:
    raise TooLongError


def _forget_peak() -> int:
    """Let the peak of memory begin anew; the bytes now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return memory("VmHWM")
    return memory("VmRSS")
