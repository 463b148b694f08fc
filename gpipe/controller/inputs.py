"""Jobs of a call, made of its input: a path, a model, an exposure in flight, a list or an association."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpipe.associations import SINGLETON, Association, Member, Product, find_file, is_association, read_association
from gpipe.controller.declaration.companions import NO_COMPANIONS, Companion, Companions
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.products.claims import Claims, Owner
from gpipe.datamodels import Header, read_header
from gpipe.datamodels.exposures.composite import is_of
from gpipe.datamodels.group_header import GroupHeader, MemberHeader, group_header, group_id_of, group_kind
from gpipe.exceptions import InputError
from gpipe.forks import cached_property
from gpipe.user_files import expanded

log = logging.getLogger(__name__)

SCIENCE = "science"
NO_PRODUCT = Product(None, ())
_ENDINGS = (".fits", ".fits.gz", ".asdf")


@dataclass(frozen=True)
class AssociationInfo:
    """An association, as far as the job of one product needs it.

    Attributes
    ----------
    asn_id : part of the names of products of the third stage.
    pool, table : names of the pool and of the association's file, for ``meta.asn``.
    folder : of that file; None where there is none.
    product : with its members and all their keys (``group_id``, ``tweakreg_catalog``).
    label : name of the product, or its number, for messages.
    """

    asn_id: str | None
    pool: str
    table: str
    folder: Path | None = None
    product: Product = NO_PRODUCT
    label: str = ""

    def role(self, member: Member) -> str:
        """A member for messages."""
        return f"{self.table}: product {self.label}, member {member.expname!r}"

    def find(self, member: Member, name: str | None = None) -> Path:
        """The path of a member, or of another file that belongs to it."""
        return find_file(name or member.expname, self.folder, self.role(member))


NO_ASSOCIATION = AssociationInfo(None, SINGLETON, SINGLETON)
"""Stands for the association in products of the second stage where the input is none."""


@dataclass(frozen=True)
class Job:
    """One run of a step or pipeline.

    Attributes
    ----------
    source : a path, an open model or an exposure in flight; a tuple of them for a group.
    kinds : the kinds of exposure that the step or pipeline accepts.
    companions : what goes with the exposure, by exptype.
    product_name : the base of names, as the association gives it.
    association : None where the input was none.
    as_list : whether the call returns a list.
    one_of_several : whether other products of the association have jobs, so that one file name cannot do for all.
    claims : names of the products of all jobs of the call.
    place : of the job in a list, from 1; None where it is the only one.
    """

    source: Any
    kinds: tuple[Any, ...]
    companions: Companions = NO_COMPANIONS
    product_name: str | None = None
    association: AssociationInfo | None = None
    as_list: bool = False
    one_of_several: bool = False
    claims: Claims = field(default_factory=Claims)
    place: int | None = None

    @cached_property
    def science(self) -> Header | GroupHeader:
        """The metadata to work on, read when first asked for. InputError as `read_header`."""
        if isinstance(self.source, tuple):
            return self._group(self.source)
        header = read_header(self.source, expects=_exposures(self.kinds))
        self._name_association(header)
        return header

    @property
    def file_name(self) -> str | None:
        """The product's name as a file's, which names are made from; None where it has none."""
        name = self.product_name
        return name if name is None or name.lower().endswith(_ENDINGS) else f"{name}.fits"

    @property
    def owner(self) -> Owner:
        """The input that products are made of."""
        return Owner(self.product_name or _name(self.source), () if self.place is None else (self.place,))

    def take_header(self, header: Header) -> None:
        """Use a header of the source that has been read already, if it is of a kind that is accepted."""
        if self.association in (None, NO_ASSOCIATION) and is_of(header.kind, _exposures(self.kinds)):
            self._name_association(header)
            self.__dict__["science"] = header

    def forget_header(self) -> None:
        """Read the header again when it is asked for next."""
        self.__dict__.pop("science", None)

    def _group(self, sources: Sequence[Any]) -> GroupHeader:
        kind: Any = group_kind(self.kinds)
        known = self._science_members() or (None,) * len(sources)
        headers = [read_header(source, expects=kind.member_kinds) for source in sources]
        pairs = enumerate(zip(headers, known, strict=True), 1)
        members = [self._member(header, member, number) for number, (header, member) in pairs]
        return group_header(members, kind, self.product_name)

    def _member(self, header: Header, member: Member | None, number: int) -> MemberHeader:
        group_id = (member and member.group_id) or group_id_of(header.meta, number)
        header.meta.instance["group_id"] = group_id
        self._name_association(header)
        if member:
            header.meta.asn.exptype = member.keys["exptype"]
        catalog = member and member.tweakreg_catalog
        found = self.association.find(member, catalog) if self.association and member and catalog else None
        return MemberHeader(header, group_id, found)

    def _science_members(self) -> tuple[Member, ...]:
        return self.association.product.of_type(SCIENCE) if self.association else ()

    def _name_association(self, header: Header) -> None:
        """Name the association in the metadata."""
        if self.association:
            header.meta.asn.pool_name, header.meta.asn.table_name = self.association.pool, self.association.table


def jobs_of(cls: type[StepBase], source: Any) -> list[Job]:
    """Make the jobs that an input asks a step or pipeline for: see `jobs`."""
    unless_given = NO_ASSOCIATION if cls.names_association else None
    return jobs(source, cls.expected(), unless_given=unless_given, only_first=cls.takes_first_product)


def jobs(
    source: Any, kinds: tuple[Any, ...], *, unless_given: AssociationInfo | None = None, only_first: bool = False
) -> list[Job]:
    """Make the jobs that an input asks for; files of members are found, and no exposure is read.

    Parameters
    ----------
    source : a path, an open model, an exposure in flight, an association (path or dict), or a list of them.
    kinds : the kinds of exposure that the step or pipeline accepts. If a group is among them an association, or a list
        of exposures, is one job; else each product of the association, and each exposure, is one.
    unless_given : stands for the association where the input is none.
    only_first : take the first product of an association, as if its exposure were the input.

    Raises
    ------
    InputError
        The association is none, or one that cannot be worked on; a member is not to be found.
    """
    if only_first and not isinstance(source, list | tuple) and is_association(source):
        found = [_first(read_association(source), kinds)]
    else:
        found = _jobs(source, kinds, unless_given)
    claims = Claims(path for job in found for path in _paths(job))
    places = range(1, len(found) + 1) if len(found) > 1 else [None]
    return [replace(job, claims=claims, place=place) for job, place in zip(found, places, strict=False)]


def _jobs(source: Any, kinds: tuple[Any, ...], unless_given: AssociationInfo | None) -> list[Job]:
    groups = group_kind(kinds) is not None
    if not isinstance(source, list | tuple):
        return _jobs_of_one(source, kinds, unless_given)
    if groups and not any(map(is_association, source)):
        return [_group_of(source, kinds, unless_given)]
    return [replace(job, as_list=True) for one in source for job in _jobs_of_one(one, kinds, unless_given)]


def _jobs_of_one(source: Any, kinds: tuple[Any, ...], unless_given: AssociationInfo | None) -> list[Job]:
    if is_association(source):
        return _jobs_of_association(read_association(source), kinds)
    if not _exposures(kinds):
        return [_group_of([source], kinds, unless_given)]
    return [Job(source, kinds, association=unless_given)]


def _group_of(sources: Sequence[Any], kinds: tuple[Any, ...], unless_given: AssociationInfo | None) -> Job:
    if not sources:
        raise InputError("found an empty list, expected exposures")
    return Job(tuple(sources), kinds, association=unless_given)


def _jobs_of_association(association: Association, kinds: tuple[Any, ...]) -> list[Job]:
    products = association.products
    if not group_kind(kinds):
        made = [_job(association, number, kinds) for number in range(len(products))]
        return [replace(job, as_list=True, one_of_several=len(made) > 1) for job in made]
    if len(products) > 1:
        names = " and ".join(_label(product, number) for number, product in enumerate(products))
        raise InputError.at(association.table, f"products {names}", "one")
    return [_job(association, 0, kinds)]


def _first(association: Association, kinds: tuple[Any, ...]) -> Job:
    if len(association.products) > 1:
        log.warning("%s: found %d products; the first is used", association.table, len(association.products))
    return _job(association, 0, kinds)


def _job(association: Association, number: int, kinds: tuple[Any, ...]) -> Job:
    product = association.products[number]
    label = _label(product, number)
    info = AssociationInfo(association.asn_id, association.pool, association.table, association.folder, product, label)
    science = product.of_type(SCIENCE)
    if not science:
        raise InputError.at(f"{info.table}: product {label}", "no member of exptype science", "one")
    groups = group_kind(kinds) is not None
    if len(science) > 1 and not groups:
        log.warning("%s: product %s: found %d science members; the first is used", info.table, label, len(science))
    source = tuple(map(info.find, science)) if groups else info.find(science[0])
    return Job(source, kinds, _companions(info), product.name, info)


def _companions(info: AssociationInfo) -> Companions:
    product = info.product

    def of_type(exptype: str) -> list[Companion]:
        return [Companion(member.expname, info.folder, info.role(member)) for member in product.of_type(exptype)]

    others = dict.fromkeys(member.exptype for member in product.members if member.exptype != SCIENCE)
    return Companions({exptype: of_type(exptype) for exptype in others})


def _paths(job: Job) -> list[str | os.PathLike[str]]:
    """The files that a job reads: exposures, and companions wherever they are looked for."""
    sources = job.source if isinstance(job.source, tuple) else (job.source,)
    places = [place for exptype in job.companions for one in job.companions[exptype] for place in one.places]
    return [*(expanded(source) for source in sources if isinstance(source, str | os.PathLike)), *places]


def _name(source: Any) -> str:
    """An input for messages."""
    if isinstance(source, tuple):
        return _name(source[0])
    if isinstance(source, str | os.PathLike):
        return str(source)
    return source.name if isinstance(source, Header) else str(source.meta.filename)


def _label(product: Product, number: int) -> str:
    return repr(product.name) if product.name else str(number + 1)


def _exposures(kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """The kinds that are no groups."""
    return tuple(kind for kind in kinds if not group_kind([kind]))
