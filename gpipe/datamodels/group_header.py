"""Headers of exposures that are calibrated together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpipe.datamodels.files.reading import Header

_OBSERVATION = "program_number observation_number visit_number visit_group sequence_id activity_id exposure_number"


@dataclass(frozen=True)
class MemberHeader:
    """Metadata of one exposure of a group, whose pixels have not been read.

    Attributes
    ----------
    group_id : the same for exposures that several detectors took at once.
    tweakreg_catalog : a catalogue of its sources, where the association gives one.
    """

    header: Header
    group_id: str
    tweakreg_catalog: Path | None = None


@dataclass(frozen=True)
class GroupHeader(Header):
    """Metadata of a group: those of the first member, in a copy, and the headers of all.

    Attributes
    ----------
    name : of the product, or of the first member where there is none.
    kind : that of the group.
    members : in the order of the association.
    """

    members: tuple[MemberHeader, ...] = field(kw_only=True)

    @property
    def headers(self) -> tuple[Header, ...]:
        """The headers of all members."""
        return tuple(member.header for member in self.members)

    @property
    def group_ids(self) -> tuple[str, ...]:
        """The group that each member belongs to."""
        return tuple(member.group_id for member in self.members)


def group_kind(kinds: Sequence[Any]) -> Any | None:
    """The first kind that is a group, which names the kinds of its members (``member_kinds``); None if none is."""
    return next((kind for kind in kinds if hasattr(kind, "member_kinds")), None)


def group_header(members: Sequence[MemberHeader], kind: Any, name: str | None = None) -> GroupHeader:
    """The header of a group of at least one member."""
    from gpipe.datamodels.files.metadata import copied

    first = members[0].header
    return GroupHeader(copied(first.model), name or first.name, kind, first.shape, first.source, members=tuple(members))


def group_id_of(meta: Any, number: int) -> str:
    """The group of an exposure for which the association names none.

    Parameters
    ----------
    meta : its ``stdatamodels`` metadata tree. ``group_id`` counts first, then the numbers of the observation.
    number : its place among the members, from 1, for an exposure whose metadata do not have all of these.
    """
    own, observation = meta.instance.get("group_id"), meta.observation.instance
    parts = [observation.get(name) for name in _OBSERVATION.split()]
    if own not in (None, ""):
        return str(own)
    if None in parts:
        return f"exposure{number:04d}"
    program, observed, visit, group, sequence, activity, exposure = parts
    return f"jw{program}{observed}{visit}_{group}{sequence}{activity}_{exposure}"
