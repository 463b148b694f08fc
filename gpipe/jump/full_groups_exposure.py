"""Jumps of whole groups, which sigma clipping takes back: it finds them in some rows, and they must be in all."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.datamodels import Ramp
from gpipe.jump.detection import jumps_alone, unflag_full_groups


def full_group_counts(groupdq: Array, open_rows: Array, backend: Backend) -> dict[str, Any]:
    """Count what tells in which groups the whole image has flags, and how many of them would be taken back."""
    closed = [(i, g) for i, g in np.argwhere(~backend.to_host(open_rows).any(axis=-1)).tolist()]
    return {"open rows": open_rows, "alone": jumps_alone(groupdq, closed)}


def take_back(counts: Mapping[str, Any]) -> Callable[[Ramp], Ramp] | None:
    """Make what takes flags back from a chunk, for the sums of these counts; None where none are taken back."""
    if not number_taken_back(counts):
        return None

    def taken_back(chunk: Ramp) -> Ramp:
        opened = chunk.backend.to_device(counts["open rows"] > 0)
        return replace(chunk, groupdq=unflag_full_groups(chunk.groupdq, opened))

    return taken_back


def number_taken_back(counts: Mapping[str, Any]) -> int:
    """Flags that are taken back."""
    return int(counts["alone"][counts["open rows"] == 0].sum()) if "alone" in counts else 0
