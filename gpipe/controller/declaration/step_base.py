"""StepBase: the declaration of a step, which the engine works on."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from gpipe.controller.declaration.blocks import Block, Preview
from gpipe.controller.declaration.results import Produced, References, SideProduct
from gpipe.controller.declaration.work import Work
from gpipe.controller.parameters import types as p
from gpipe.controller.parameters.configurable import Configurable
from gpipe.datamodels.exposures.in_flight import Described, Exposure
from gpipe.datamodels.exposures.ramp import RAMP_ARRAYS, Ramp


class StepBase(Configurable):
    """A calibration step. Subclasses declare parameters and references, and implement ``apply``.

    Class attributes
    ----------------
    class_alias : short name; also the suffix of the product.
    cal_step : the place in ``meta.cal_step`` that says what the step did (an ``S_*`` keyword); default ``class_alias``.
    reference_file_types : the references that ``apply`` gets.
    optional_references : those of them that may be N/A without a consequence.
    missing_reference : what an N/A for another one means: the step is skipped with a warning, or an error.
    instruments : those that the step is for; exposures of others are skipped. Empty: all.
    accepts : the kinds of exposure that the step works on. In a pipeline it is skipped for another kind.
    takes_superstripes_whole : whether ``apply`` gets a `Superstripes` itself, not the `Ramp` of each stripe.
    expects : ``cal_step`` places of steps that should have run, or been skipped on purpose, before this one.
    expects_near_infrared : those which MIRI exposures do not go through, or later.
    changes : the arrays of a ramp that the step may change, or one flag of them (``"groupdq:JUMP_DET"``).
    summarized : those that ``summarize`` looks at.
    preview : the pixels that are enough for ``summarize``, if not all are needed.
    ends_ramps : whether the results are another kind of exposure.
    workspace : bytes of a sample that the step needs beside an exposure that it works on as a whole, for the plan.

    A step that needs the whole exposure at once implements ``apply``. One that can work on chunks says so with
    ``block`` and implements ``begin``, and ``summarize`` if it must know something of the whole exposure first.
    """

    cal_step: ClassVar[str] = ""
    reference_file_types: ClassVar[Sequence[str]] = ()
    optional_references: ClassVar[Sequence[str]] = ()
    missing_reference: ClassVar[Literal["skip", "error"]] = "skip"
    instruments: ClassVar[Sequence[str]] = ()
    accepts: ClassVar[tuple[type[Exposure], ...]] = (Ramp,)
    takes_superstripes_whole: ClassVar[bool] = False
    expects: ClassVar[Sequence[str]] = ()
    expects_near_infrared: ClassVar[Sequence[str]] = ()
    changes: ClassVar[Sequence[str]] = RAMP_ARRAYS
    summarized: ClassVar[Sequence[str]] = ()
    preview: ClassVar[Preview | None] = None
    ends_ramps: ClassVar[bool] = False
    workspace: ClassVar[int] = 5

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.cal_step = cls.__dict__.get("cal_step") or (
            cls.class_alias if "class_alias" in cls.__dict__ else cls.cal_step
        )
        # Not in the class body, so traitlets has to be told the name; the metaclass does the rest.
        for reftype in cls.reference_file_types:
            override = p.Override(reftype)
            setattr(cls, f"override_{reftype}", override)
            override.class_init(cls, f"override_{reftype}")

    def is_for(self, meta: Any) -> bool:
        """Whether the step is for the instrument of an exposure."""
        return not self.instruments or meta.instrument.name in self.instruments

    def wanted_references(self, meta: Any) -> Sequence[str]:
        """Those of the references that an exposure needs: CRDS is asked for no others, and headers name no others."""
        return self.reference_file_types

    def folder_of_inputs(self, references: References) -> str:
        """Where further input files are: as the step or its pipeline was told, or beside the exposure."""
        told = self.input_dir or (self.parent and self.parent.input_dir)
        return str(told or references.folder)

    def check(self, meta: Any, references: References) -> None:
        """Refuse, before any pixel is read, what the step cannot do: raises ParameterError or InputError."""

    def block(self, meta: Any) -> Block:
        """How an exposure with these metadata may be cut for the step."""
        return Block.EXPOSURE

    def halo(self, meta: Any, references: References) -> int:
        """Rows (columns, in chunks of them) around a chunk that ``begin(...).apply`` looks at in such an exposure.

        They come with it, and are cut off after.
        """
        return 0

    def applies(self, meta: Any) -> bool:
        """Whether an exposure with these metadata may be changed: where not, ``begin`` raises ``Skip`` in any case."""
        return True

    def summarize(self, chunk: Any) -> Mapping[str, Any]:
        """Summarize the exposure for ``begin``: arrays (…, row), which are joined over all chunks.

        ``chunk`` has the arrays that ``summarized`` names as they are when the step begins.
        """
        return {}

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        """Prepare the step's work on an exposure. ``Skip`` leaves it unchanged.

        ``summary`` is that of ``summarize`` for the whole exposure.
        ``outline`` has the exposure's ``meta``, ``shape``, ``window`` and ``backend``, and may have no arrays.
        """
        return Work(partial(self.apply, references=references))

    def apply(self, exposure: Any, references: References) -> Any | Produced:
        """The exposure after the step. ``Skip`` leaves it unchanged."""
        if type(self).begin is StepBase.begin:
            raise NotImplementedError(f"{type(self).__name__}.apply")
        return self.begin(exposure, references, self.summarize(exposure)).whole(exposure)

    def sequence(self, meta: Any) -> Sequence["StepBase"]:
        """The steps that a run on an exposure with these metadata goes through, in order; InputError refuses it."""
        return (self,)

    def products_before(self, name: str, exposure: Any) -> Sequence[SideProduct]:
        """Products that are due before the step of this name."""
        return ()

    def returned(self, results: Sequence[Any]) -> Sequence[Any]:
        """Those of the results that the caller gets."""
        return results

    def suffix_of(self, result: Any, step: str | None) -> str | None:
        """The suffix of a result of a step (None: of the whole), where it is not the step's own.

        ``result`` is an exposure in flight or a model.
        """
        return None
