"""The rscd step."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gpipe.arrays import Array
from gpipe.controller import Block, Cut, Produced, Ref, References, Skip, Step, Work
from gpipe.datamodels import Described, Ramp, Reference
from gpipe.datamodels.exposures.instruments import MIRI
from gpipe.datamodels.references.checks import contents_of
from gpipe.rscd.flagging import Bright, flag_decay
from gpipe.rscd.group_skips import FEWEST_GROUPS, UNKNOWN, GroupSkips, find_skips

log = logging.getLogger(__name__)

TABLE = "rscd_group_skip_table"


class RscdStep(Step):
    """Flag the first groups of MIRI integrations, in which the charge of the reset switch decays."""

    alias = "rscd"
    instruments = (MIRI,)
    references = (Ref("rscd"),)
    after = ("dq_init", "saturation", "lastframe", "linearity")
    # Ramps of all integrations: one of them is enough to flag a pixel.
    cut = Cut(Block.RAMPS, writes=("groupdq:DO_NOT_USE", "pixeldq:FLUX_ESTIMATED"))

    def check(self, meta: Any, references: References) -> None:
        rscd = references.get("rscd")
        if rscd is not None:
            _in_table(rscd, meta)

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        skips = _skips(references["rscd"], outline)
        log.info("Leaving out %d groups of the first integration, %d of later ones", skips.first, skips.later)
        starts_exposure = outline.meta.exposure.integration_start in (None, 1)

        def apply(chunk: Ramp) -> Produced:
            flag = chunk.backend.native(flag_decay)
            flagged = flag(chunk.groupdq, chunk.pixeldq, skips, starts_exposure=starts_exposure)
            result = replace(chunk, groupdq=flagged.groupdq, pixeldq=flagged.pixeldq)
            return Produced((result,), counts=_counts("int1", flagged.first) | _counts("int2p", flagged.later))

        def end(counts: Mapping[str, int]) -> Mapping[str, int]:
            _record(outline.meta, "int1", skips.first, counts)
            _record(outline.meta, "int2p", skips.later, counts)
            lowered = sum(counts.get(f"lowered_{which}", 0) for which in ("int1", "int2p"))
            return {"bright pixels that leave out fewer groups": lowered}

        return Work(apply, end)


def _skips(rscd: Reference, exposure: Any) -> GroupSkips:
    """Look up the exposure's subarray and read pattern in the reference, and limit the skips to its groups."""
    meta, groups = exposure.meta, exposure.shape[1]
    skips = _in_table(rscd, meta)
    if skips is None:
        raise Skip(f"{rscd.name} has no SUBARRAY={meta.subarray.name}, READPATT={meta.exposure.readpatt}")
    if skips.first < 0:
        log.warning("%s: found no GROUP_SKIP1; 1 group of the first integration is left out", rscd.name)
        skips = replace(skips, first=1)
    if groups < FEWEST_GROUPS:
        raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more")
    return skips.limited_to(groups)


def _in_table(rscd: Reference, meta: Any) -> GroupSkips | None:
    """Find the groups to leave out in the table of the reference."""
    with contents_of(rscd, f"a table {TABLE} with the columns subarray, readpatt and group_skip"):
        return find_skips(_rows(rscd), str(meta.subarray.name), str(meta.exposure.readpatt))


def _rows(rscd: Reference) -> Iterator[tuple[str, str, int, int]]:
    table = rscd.read(TABLE)
    has_first = "group_skip1" in (table.dtype.names or ())
    for row in table:
        texts = (_text(row["subarray"]), _text(row["readpatt"]))
        yield *texts, row["group_skip1"] if has_first else UNKNOWN, row["group_skip"]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _counts(which: str, bright: Bright | None) -> dict[str, Array]:
    """Name the counts of the first or the later integrations; none where the exposure has no such integration."""
    if bright is None:
        return {}
    return {f"lowered_{which}": bright.lowered, f"first_kept_{which}": bright.first_kept}


def _record(meta: Any, which: str, skip: int, counts: Mapping[str, int]) -> None:
    """Say in the metadata (INT1SKIP, INT1BORS, INT1UGP1, …) what was done to the first or the later integrations."""
    if f"lowered_{which}" not in counts:
        return
    lowered, first_kept = counts[f"lowered_{which}"], counts[f"first_kept_{which}"]
    setattr(meta.rscd, f"ngroups_skip_{which}", skip)
    setattr(meta.rscd, f"keep_groups_saturation_{which}", lowered)
    setattr(meta.rscd, f"keep_bright_firstgroup_{which}", first_kept)
