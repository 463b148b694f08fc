"""The rscd step."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gpipe.arrays import Array
from gpipe.controller import References, Skip, Step
from gpipe.controller.miri import is_miri, skip_unless_miri
from gpipe.datamodels import Ramp, Reference
from gpipe.rscd.flagging import Bright, flag_decay
from gpipe.rscd.group_skips import FEWEST_GROUPS, UNKNOWN, GroupSkips, find_skips

log = logging.getLogger(__name__)

TABLE = "rscd_group_skip_table"


class RscdStep(Step):
    """Flag the first groups of MIRI integrations, in which the charge of the reset switch decays."""

    class_alias = "rscd"
    reference_file_types = ("rscd",)
    expects = ("dq_init", "saturation", "lastframe", "linearity")

    def wanted_references(self, meta: Any) -> Sequence[str]:
        return self.reference_file_types if is_miri(meta) else ()

    def apply(self, exposure: Ramp, references: References) -> Ramp:
        skip_unless_miri(exposure.meta)
        skips = _skips(references.rscd, exposure)
        log.info("Leaving out %d groups of the first integration, %d of later ones", skips.first, skips.later)
        start = exposure.meta.exposure.integration_start
        flagged = flag_decay(exposure.groupdq, exposure.pixeldq, skips, starts_exposure=start in (None, 1))
        _record(exposure, "int1", skips.first, flagged.first)
        _record(exposure, "int2p", skips.later, flagged.later)
        return replace(exposure, groupdq=flagged.groupdq, pixeldq=flagged.pixeldq)


def _skips(rscd: Reference, exposure: Ramp) -> GroupSkips:
    """What the reference says of the exposure's subarray and read pattern, as far as its groups allow."""
    meta, groups = exposure.meta, exposure.data.shape[1]
    subarray, readpatt = meta.subarray.name, meta.exposure.readpatt
    skips = find_skips(_rows(rscd), subarray, readpatt)
    if skips is None:
        raise Skip(f"{rscd.name} has no SUBARRAY={subarray}, READPATT={readpatt}")
    if skips.first < 0:
        log.warning("%s is of an old kind, without the first integration; 1 group is left out there", rscd.name)
        skips = replace(skips, first=1)
    if groups < FEWEST_GROUPS:
        raise Skip(f"found {groups} groups in an integration, expected {FEWEST_GROUPS} or more")
    return skips.limited_to(groups)


def _rows(rscd: Reference) -> Iterator[tuple[str, str, int, int]]:
    table = rscd.read(TABLE)
    has_first = "group_skip1" in (table.dtype.names or ())
    for row in table:
        texts = (_text(row["subarray"]), _text(row["readpatt"]))
        yield *texts, row["group_skip1"] if has_first else UNKNOWN, row["group_skip"]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _record(exposure: Ramp, which: str, skip: int, bright: Bright | None) -> None:
    """Say in the metadata (INT1SKIP, INT1BORS, INT1UGP1, …) what was done to the first or the later integrations."""
    if bright is None:
        return
    lowered, first_kept = (_count(x, exposure) for x in (bright.lowered, bright.first_kept))
    said = {"int1": "the first integration", "int2p": "later integrations"}[which]
    log.info("%d bright pixels leave out fewer groups of %s, %d of them none", lowered, said, first_kept)
    meta = exposure.meta.rscd
    setattr(meta, f"ngroups_skip_{which}", skip)
    setattr(meta, f"keep_groups_saturation_{which}", lowered)
    setattr(meta, f"keep_bright_firstgroup_{which}", first_kept)


def _count(number: Array, exposure: Ramp) -> int:
    return int(exposure.backend.to_host(number))
