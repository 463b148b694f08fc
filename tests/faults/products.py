"""Products of a trial: whole and old, whole and new, or absent."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from faults.trials import Room

ENDINGS = ("rate", "rateints")
LOCKS = ".lock"
ASDF = {"output_ext": ".asdf"}
IN_CHUNKS = {"max_memory": "1 MB"}
SCRATCH = {"max_memory": "0.8 MB", "steps": {"refpix": {"save_results": True}}}
"""Options of a run in two sections, with scratch files between them."""

Options = Mapping[str, Any]


def names(exposure: Path, options: Options) -> list[str]:
    """The names of the products of an exposure, in the order in which they are saved."""
    extension = options.get("output_ext", ".fits")
    endings = (*options.get("steps", ()), *ENDINGS)
    return [exposure.name.replace("uncal.fits", f"{ending}{extension}") for ending in endings]


def put_earlier(room: Room, exposures: Iterable[Path], options: Options) -> dict[str, bytes]:
    """Put earlier products in ``out``: whole ones, of another exposure; return their bytes."""
    (room.here / "out").mkdir(parents=True, exist_ok=True)
    donors = names(room.world.exposures[-1], options)
    earlier = {}
    for exposure in exposures:
        for donor, name in zip(donors, names(exposure, options), strict=True):
            earlier[name] = room.world.products[donor].read_bytes()
            (room.here / "out" / name).write_bytes(earlier[name])
    return earlier


def check_whole(room: Room, earlier: Mapping[str, bytes], *, killed: bool) -> None:
    """Each product is the earlier one, bit for bit, or the right new one; only a kill may leave a hidden folder."""
    for name, content in room.contents().items():
        path = room.here / name
        if killed and ".gpipe-" in name:
            continue
        if name.startswith("out/") and path.name in room.world.right:
            is_earlier = earlier.get(path.name) == content
            assert is_earlier or room.world.is_right(path), f"{name} is neither the earlier product nor a right one"
        else:
            assert name.endswith(LOCKS), f"{name} was left behind"
    missing = [name for name in earlier if not (room.here / "out" / name).exists()]
    assert not missing, f"gone are {missing}"
    hidden = [str(path) for path in room.here.rglob(".gpipe-*")]
    assert killed or not hidden, f"left behind: {hidden}"
    assert room.temporary_files() == []


def check_next_run(room: Room, sources: list[str], options: Options) -> None:
    """The next run in the same folder works, its products are right, and nothing else is there then."""
    outcome = room.child("calls:calibrate", source=sources, options=options)
    assert outcome.status == 0, f"the next run failed: {outcome.text[-1500:]}"
    expected = {name for source in sources for name in names(Path(source), options)}
    found = {path.name for path in (room.here / "out").iterdir()}
    assert found == expected, f"found {sorted(found)} after the next run, expected {sorted(expected)}"
    wrong = [name for name in expected if not room.world.is_right(room.here / "out" / name)]
    assert not wrong, f"wrong after the next run: {wrong}"
    assert room.temporary_files() == []
