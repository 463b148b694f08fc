"""StepBase: the declaration of a step, which the engine works on."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, ClassVar

from gpipe.controller.declaration.blocks import Block, Cut, Preview
from gpipe.controller.declaration.companions import Companions
from gpipe.controller.declaration.given import Given
from gpipe.controller.declaration.ref import Ref
from gpipe.controller.declaration.results import Produced, References
from gpipe.controller.declaration.work import Work
from gpipe.controller.parameters import types as p
from gpipe.controller.parameters.configurable import Configurable
from gpipe.datamodels.exposures.in_flight import Described, Exposure
from gpipe.datamodels.exposures.instruments import OTHERS
from gpipe.datamodels.exposures.ramp import Ramp


class StepBase(Configurable):
    """A calibration step. A subclass declares its parameters and, by subject, the following.

    Class attributes
    ----------------
    alias : short name; also the suffix of the product.
    cal_step : place in ``meta.cal_step`` for the status of the step (an ``S_*`` keyword); ``alias`` by default.
    accepts : kinds of exposure that the step works on, `Ramp` by default. A composite goes piece by piece unless its
        own kind is among them. In a pipeline the step is skipped for another kind.
    by_piece : False if the step needs the frame that the pieces of a composite make up; it is skipped for the pieces.
    instruments : those that the step is for; exposures of others are skipped. Empty: all.
    references : reference files that the step needs.
    after : ``cal_step`` places of steps that should have run, or been skipped on purpose, before this one; a mapping by
        instrument (`OTHERS` for the rest) where they differ.
    cut : chunks that the step can work on; the whole exposure by default.
    makes : kind of the results where it is another one, such as rates of ramps.
    companions : exptypes of an association whose files the step gets beside the exposure (``("background",)``). Its
        ``apply``, or ``begin``, then has a keyword ``companions``, with `NO_COMPANIONS` as its default.
    returns_list : whether a call returns a list in any case.
    by_position : parameters that ``call`` takes by position after the exposure, as jwst's step does.
    takes_first_product : whether a call of the step alone works on the first product of an association, and returns no
        list, as jwst's step does.
    names_association : whether products name an association, ``"singleton"``, if the input is none (second stage).

    A step that needs the whole exposure at once implements ``apply``. One that works on chunks implements ``begin``,
    and ``summarize`` if its ``cut`` names a summary.
    """

    cal_step: ClassVar[str] = ""
    accepts: ClassVar[type[Exposure] | tuple[type[Exposure], ...]] = Ramp
    by_piece: ClassVar[bool] = True
    instruments: ClassVar[Sequence[str]] = ()
    references: ClassVar[Sequence[Ref]] = ()
    after: ClassVar[Sequence[str] | Mapping[str, Sequence[str]]] = ()
    cut: ClassVar[Cut] = Cut(Block.EXPOSURE)
    makes: ClassVar[type[Exposure] | None] = None
    companions: ClassVar[Sequence[str]] = ()
    returns_list: ClassVar[bool] = False
    by_position: ClassVar[Sequence[str]] = ()
    takes_first_product: ClassVar[bool] = False
    names_association: ClassVar[bool] = False
    reference_file_types: ClassVar[Sequence[str]] = ()
    """Types of ``references``, under the name that jwst has for them."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.cal_step = cls.__dict__.get("cal_step") or (cls.alias if "alias" in cls.__dict__ else cls.cal_step)
        cls.reference_file_types = tuple(ref.type for ref in cls.references)
        _check_names(cls)
        # Not in the class body, so traitlets has to be told the name; the metaclass does the rest.
        for reftype in cls.reference_file_types:
            override = p.Override(reftype)
            setattr(cls, f"override_{reftype}", override)
            override.class_init(cls, f"override_{reftype}")

    @classmethod
    def kinds(cls) -> tuple[type[Exposure], ...]:
        """List the kinds of exposure that the step accepts."""
        return cls.accepts if isinstance(cls.accepts, tuple) else (cls.accepts,)

    @classmethod
    def expected(cls) -> tuple[type[Exposure], ...]:
        """List the kinds of exposure that a run takes: any, if nothing but a ``process`` works on them."""
        works = (StepBase.begin, StepBase.apply) != (cls.begin, cls.apply)
        return (Exposure,) if cls.has_own_process() and not works and not cls.substeps() else cls.kinds()

    @classmethod
    def named(cls, arguments: Sequence[Any]) -> dict[str, Any]:
        """Name the values that a call is given by position after the exposure. TypeError: it takes fewer."""
        if len(arguments) > len(cls.by_position):
            wanted = ", ".join(("the exposure", *cls.by_position))
            raise TypeError(f"{cls.__name__}: found {len(arguments) + 1} values without a name, expected {wanted}")
        return dict(zip(cls.by_position, arguments, strict=False))

    @classmethod
    def has_own_process(cls) -> bool:
        """Tell whether a subclass works with a ``process`` of its own, as steps and pipelines of jwst do."""
        return False

    def process(self, source: Any) -> Any:
        """Do the work on an exposure. A subclass may replace it; then it gets, and returns, ``stdatamodels`` models."""
        raise NotImplementedError

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within the block ``process`` of the step is running."""
        yield

    @classmethod
    def works_by_apply(cls) -> bool:
        """Tell whether the class, or the nearest parent that has one of both, implements ``apply`` and not ``begin``.

        Such a step gets the exposure whole, also if a parent could work on chunks.
        """
        nearest = next(base for base in cls.__mro__ if "apply" in vars(base) or "begin" in vars(base))
        return "begin" not in vars(nearest)

    def is_for(self, meta: Any) -> bool:
        """Tell whether the step is for the instrument of an exposure."""
        return not self.instruments or str(meta.instrument.name).upper() in map(str.upper, self.instruments)

    def wanted_references(self, meta: Any) -> Sequence[str]:
        """List the types of references that an exposure needs."""
        return tuple(ref.type for ref in self.references if ref.when(meta))

    def given_references(self, meta: Any) -> Mapping[str, Any]:
        """Return by type what CRDS is not asked for: a path, ``'N/A'`` or an open model; None where it is."""
        return {reftype: getattr(self, f"override_{reftype}") for reftype in self.reference_file_types}

    def predecessors(self, meta: Any) -> Sequence[str]:
        """List the ``cal_step`` places of steps that should have run before this one."""
        if isinstance(self.after, Mapping):
            return self.after.get(meta.instrument.name) or self.after.get(OTHERS, ())
        return self.after

    def folder_of_inputs(self, references: References) -> str:
        """Return the folder of further inputs: ``input_dir`` of the step or its pipeline, or that of the exposure."""
        told = self.input_dir or (self.parent and self.parent.input_dir)
        return str(told or references.folder)

    def check(self, meta: Any, references: References) -> None:
        """Refuse, before any pixel is read, what the step cannot do: raises ParameterError or InputError."""

    def block(self, meta: Any) -> Block:
        """Tell how an exposure may be cut where metadata or parameters decide."""
        return self.cut.block

    @property
    def writes(self) -> Sequence[str]:
        """Names of the arrays of a ramp that the step may change; see `Cut`."""
        return tuple(Ramp.planes) if self.cut.writes is None else self.cut.writes

    @property
    def reads_first(self) -> Sequence[str]:
        """Names of the arrays that the step summarizes before it begins."""
        return self.cut.summary.planes if self.cut.summary else ()

    @property
    def preview(self) -> Preview | None:
        """Pixels that are enough for the summary; None if it takes all, or the step needs none."""
        return self.cut.summary.preview if self.cut.summary else None

    def halo(self, meta: Any, references: References) -> int:
        """Count the rows around a chunk where metadata, parameters or references decide; see `Cut`."""
        return self.cut.halo

    def overwrites(self, meta: Any) -> bool:
        """Tell whether ``apply`` writes to ``data`` of an exposure that is `overwritable`.

        A step on the whole exposure then needs no room for both. A subclass with an ``apply`` of its own may look at
        what came in, so the class that answers yes does so for its ``apply`` only.
        """
        return False

    def workspace(self, shape: Sequence[int]) -> int:
        """Count the bytes that the step needs beside an exposure of this shape that it works on as a whole."""
        return self.cut.workspace * math.prod(shape)

    def applies(self, meta: Any) -> bool:
        """Tell whether the step may change the exposure: where not, ``begin`` raises ``Skip`` in any case."""
        return True

    def reason_to_skip(self, outline: Described, references: References) -> str | None:
        """Tell, for plans, why the step leaves an exposure as it is, if metadata say so; None where it may work."""
        return None

    def summarize(self, chunk: Any) -> Mapping[str, Any]:
        """Summarize the exposure for ``begin``: arrays (…, row), which are joined over all chunks.

        ``chunk`` has the arrays that ``cut.summary`` names as they are when the step begins.
        """
        return {}

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        """Prepare the step's work on an exposure. ``Skip`` leaves it unchanged.

        ``summary`` is that of ``summarize`` for the whole exposure.
        ``outline`` has the exposure's ``meta``, ``shape``, ``window`` and ``backend``, and may have no arrays.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected apply or begin")

    def apply(self, exposure: Any, references: References) -> Any | Produced:
        """Return the exposure after the step. ``Skip`` leaves it unchanged."""
        return self.begin(exposure, references, self.summarize(exposure)).whole(exposure)

    def sequence(self, meta: Any, given: Given | None = None) -> Sequence["StepBase"]:
        """The steps that a run on an exposure with these metadata goes through, in order; InputError refuses it.

        All that may run where nobody says what is given.
        """
        return (self,)

    def makes_own_product(self, name: str) -> bool:
        """Tell whether what the step of this name makes is a product of its own: the exposure goes on without it."""
        return False

    def wants_product(self, name: str, meta: Any) -> bool:
        """Tell whether such a product shall be made of a result with these metadata."""
        return True

    def asks_for_result(self, name: str) -> bool:
        """Tell whether the result of the step of this name is saved, also if the step itself does not ask for it."""
        return False

    def suffix_before(self, name: str) -> str | None:
        """Return the suffix of the product that is saved before the step of this name; None if none is."""
        return None

    def returned(self, results: Sequence[Any]) -> Sequence[Any]:
        """Select the results that the caller gets."""
        return results

    def suffixes(self, shape: Sequence[int], step: str | None = None) -> Sequence[str | None]:
        """List the suffixes of results of a step (None: of the whole) that are known before.

        ``shape`` is that of the science array of the input. None among the suffixes stands for the name of the step.
        """
        return (None,)

    def named_files(self) -> Sequence[str]:
        """List the files that parameters name in full, beside the results."""
        return ()

    @property
    def has_side_products(self) -> bool:
        """True where a parameter asks for files beside the results (``save_…``)."""
        return any(getattr(self, name) for name in _names_of_files(type(self)))

    @property
    def asks_jwst(self) -> bool:
        """True where the step may ask the ``jwst`` package, whose answers depend on more than its references."""
        return False

    def suffix_of(self, result: Exposure, step: str | None) -> str | None:
        """Return the suffix of a result of a step (None: of the whole); None for the name of the step."""
        return None


def work_of(
    step: Any, outline: Described, references: References, summary: Mapping[str, Any], **companions: Companions
) -> Work:
    """Prepare the work of a step on an exposure: what its ``begin`` gives, or its ``apply`` if that is all it has."""
    if step.works_by_apply():
        return Work(partial(step.apply, references=references, **companions))
    return step.begin(outline, references, summary, **companions)  # type: ignore[no-any-return]


@cache
def _names_of_files(cls: type[StepBase]) -> tuple[str, ...]:
    """List the parameters that ask for files beside the results."""
    return tuple(name for name in cls.parameters() if name.startswith("save_") and name != "save_results")


def _check_names(cls: type[StepBase]) -> None:
    """Raise TypeError for a ``cut`` that names arrays which no accepted kind of exposure has."""
    named = [*(cls.cut.writes or ()), *(cls.cut.summary.planes if cls.cut.summary else ())]
    known = {name for kind in cls.kinds() for name in getattr(kind, "planes", ())}
    unknown = [name for name in named if name.partition(":")[0] not in known]
    if known and unknown:
        raise TypeError(f"{cls.__name__}.cut: found {', '.join(unknown)}, expected some of {', '.join(sorted(known))}")
