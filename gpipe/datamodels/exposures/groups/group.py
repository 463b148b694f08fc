"""Groups: exposures that are worked on together, of which only a few are in memory at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from array_api_compat import array_namespace, device, is_array_api_obj

from gpipe.arrays import Array
from gpipe.arrays.blocks import for_each
from gpipe.datamodels.exposures.chunks import copied
from gpipe.datamodels.exposures.composite import Composite
from gpipe.datamodels.exposures.groups.array_store import ArrayStore
from gpipe.datamodels.exposures.groups.member import Member
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.datamodels.exposures.in_flight import Exposure, WithHeader
from gpipe.datamodels.exposures.rate import Rate
from gpipe.exceptions import InputError


@dataclass(frozen=True)
class Group(WithHeader, Composite):
    """Exposures that a step sees together.

    A pass (`map`, `measure`, `stacks`) reads the pixels of each member once, and holds those of as many members as
    there are threads. An error in a pass names the member.

    Attributes
    ----------
    piece, member_kinds : the kind of exposure that members are, and all that they may be.
    header : the ``stdatamodels`` model without pixels of the group, a copy of that of its first member.
    backend : the backend that steps work on.
    members : in the order of the association.
    storage : where new pixels of members are held. If on disk, pixels stay in their files until there are new ones,
        and each pass reads them; else they are held from the first `map` or `measure` on.
    threads : members in hand at the same time, in passes that do not say otherwise.
    """

    piece: ClassVar[type[Exposure]] = Rate
    member_kinds: ClassVar[tuple[type[Exposure], ...]] = (Rate,)
    members: tuple[Member, ...]
    storage: Storage
    threads: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the science pixels of the first member."""
        return self.members[0].shape

    def map(self, function: Callable[..., Any], *more: Sequence[Any], threads: int | None = None) -> Self:
        """Give each member new pixels.

        Parameters
        ----------
        function : makes an exposure of the exposure of a member, without writing to its arrays. Those that it leaves
            as they are are not stored again.
        more : sequences with an item for each member, which the function gets after the exposure.
        threads : members in hand at the same time; those of the group by default.

        Returns
        -------
        A new group; results of members go along. This one stays as it is.
        """
        store = ArrayStore(self.storage, self.backend)

        def one(member: Member, *items: Any) -> Member:
            given = member.pixels.exposure(self.backend)
            return member.with_pixels(function(given, *items), store, before=given)

        return replace(self, members=tuple(self._pass(one, more, threads)))

    def measure(
        self, function: Callable[..., Any], *more: Sequence[Any], name: str, threads: int | None = None
    ) -> list[Any]:
        """Take a small result of each member, in order, and put it into `Member.results` under a name.

        Parameters are those of `map`. Arrays in the result, or in a dictionary, are copied: views would keep the
        pixels in memory.
        """

        def one(member: Member, *items: Any) -> Any:
            return _separate(function(member.pixels.exposure(self.backend), *items))

        found = self._pass(one, more, threads)
        for member, result in zip(self.members, found, strict=True):
            member.results[name] = result
        return found

    def results(self, name: str) -> list[Any]:
        """Results of all members under a name; None where a member has none."""
        return [member.results.get(name) for member in self.members]

    def stacks(self, plane: str, rows: int) -> Iterator[Array]:
        """The same rows of all members, (member, …, row, column), on the device, ``rows`` at a time.

        InputError: shapes of members differ.
        """
        for member in self.members:
            if member.shape != self.members[0].shape:
                found = f"found a shape of {member.shape}; expected {self.members[0].shape}"
                raise InputError(f"{member.name}: {found} as {self.members[0].name} has")
        total = self.members[0].shape[-2]
        for start in range(0, total, rows):
            yield self._stack(plane, slice(start, min(start + rows, total)))

    def _stack(self, plane: str, rows: slice) -> Array:
        def one(member: Member) -> Array:
            return member.pixels.rows(plane, rows, self.backend)

        parts = iter(_named(one, member) for member in self.members)
        first = next(parts)
        xp = array_namespace(first)
        stack = xp.empty((len(self.members), *first.shape), dtype=first.dtype, device=device(first))
        stack[0, ...] = first
        for number, part in enumerate(parts, 1):
            stack[number, ...] = part
        return stack

    def _pass(self, one: Callable[..., Any], more: Sequence[Sequence[Any]], threads: int | None) -> list[Any]:
        """Call a function for each member, on several threads; results in order."""
        items = list(zip(self.members, *more, strict=True))
        return for_each(lambda each: _named(one, *each), items, workers=threads or self.threads)


def _named(one: Callable[..., Any], member: Member, *items: Any) -> Any:
    """Call a function for a member, whose name goes into the notes of an error."""
    try:
        return one(member, *items)
    except Exception as error:
        error.add_note(f"in {member.name}, a member of a group")
        raise


def _separate(result: Any) -> Any:
    if isinstance(result, dict):
        return {key: _separate(value) for key, value in result.items()}
    return copied(result) if is_array_api_obj(result) else result
