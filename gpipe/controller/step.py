"""Step: declared parameters and references around one function of an exposure."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import traitlets

from gpipe.controller import parameters as p
from gpipe.controller.results import Produced, References
from gpipe.controller.settings import ATTRIBUTE, DEFAULT, KEYWORD, Kind, Origin, Settings
from gpipe.exceptions import ParameterError

log = logging.getLogger(__name__)


class Step(traitlets.HasTraits):
    """A calibration step. Subclasses declare parameters and references, and implement ``apply``.

    Class attributes
    ----------------
    class_alias : short name; also the suffix of the product.
    cal_step : the place in ``meta.cal_step`` that says what the step did (an ``S_*`` keyword); default ``class_alias``.
    reference_file_types : the references that ``apply`` gets.
    optional_references : those of them that may be N/A without a consequence.
    missing_reference : what an N/A for another one means: the step is skipped with a warning, or an error.
    expects : ``cal_step`` places of steps that should have run, or been skipped on purpose, before this one.
    """

    class_alias: ClassVar[str] = ""
    cal_step: ClassVar[str] = ""
    reference_file_types: ClassVar[Sequence[str]] = ()
    optional_references: ClassVar[Sequence[str]] = ()
    missing_reference: ClassVar[Literal["skip", "error"]] = "skip"
    expects: ClassVar[Sequence[str]] = ()

    pre_hooks = p.List([], help="Functions, steps or shell commands to run on the exposure before the step.")
    post_hooks = p.List([], help="Functions, steps or shell commands to run on the result of the step.")
    output_file = p.OutputFile(None, help="Name of the product before its suffix; saves the result.")
    output_dir = p.Path(None, help="Folder of the product, made when missing; saves the result.")
    output_ext = p.String(".fits", help="File type of the product.")
    output_use_model = p.Boolean(False, help="Name the product after the file name in the result's own metadata.")
    output_use_index = p.Boolean(True, help="Number the products where a step has several.")
    save_results = p.Boolean(False, help="Save the result.")
    skip = p.Boolean(False, help="Leave the exposure as it is.")
    suffix = p.String(None, help="End of the product's name in place of the step's own.")
    search_output_file = p.Boolean(True, help="Name the product after the pipeline's output_file where there is one.")
    input_dir = p.Path(None, help="Folder of further input files.")

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

    def __init__(self, name: str | None = None, *, parent: "Step | None" = None, **parameters: Any) -> None:
        super().__init__()
        self._name, self._parent = name, parent
        self._origins: dict[str, Origin] = {}
        if parent is None:
            self.configure([Settings(KEYWORD, parameters)])

    def check(self, meta: Any, references: References) -> None:
        """Refuse, before any pixel is read, what the step cannot do: raises ParameterError or InputError."""

    def apply(self, exposure: Any, references: References) -> Any | Produced:
        """The exposure after the step. ``Skip`` leaves it unchanged."""
        raise NotImplementedError(f"{type(self).__name__}.apply")

    @property
    def name(self) -> str:
        """The step's name in its pipeline, the name given to it, or its alias."""
        return self._name or self.class_alias or type(self).__name__

    @property
    def label(self) -> str:
        """How messages name the step."""
        return self.name if self._parent is not None else type(self).__name__

    @property
    def parent(self) -> "Step | None":
        """The pipeline that the step belongs to."""
        return self._parent

    # --- parameters ---------------------------------------------------------------------------------------------

    @classmethod
    def parameters(cls) -> dict[str, p.Parameter]:
        """The declared parameters by name, those of the step first."""
        declared = {n: t for n, t in cls.class_traits().items() if isinstance(t, p.Parameter)}
        own = [n for n in declared if n not in Step.class_traits()]
        return {n: declared[n] for n in [*own, *(n for n in declared if n not in own)]}

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif name in type(self).parameters():
            self._assign(name, value, ATTRIBUTE)
        else:
            raise ParameterError(self._unknown(name))

    def _assign(self, name: str, value: Any, origin: Origin) -> None:
        object.__setattr__(self, name, value)
        self._origins[name] = origin

    def _unknown(self, name: str) -> str:
        known = list(type(self).parameters())
        if name.startswith("override_"):
            known = [n for n in known if n.startswith("override_")]
        return p.unknown_name(self.label, name, known)

    def configure(self, layers: Sequence[Settings]) -> Self:
        """Set what the layers say, the last one winning; all problems are raised in one ParameterError."""
        problems: list[str] = []
        self._configure(layers, problems)
        p.raise_together(problems)
        return self

    def _configure(self, layers: Sequence[Settings], problems: list[str]) -> None:
        chosen = {name: (value, layer.origin) for layer in layers for name, value in layer.values.items()}
        for name, (value, origin) in chosen.items():
            if name not in type(self).parameters():
                self._report(self._unknown(name), origin, problems)
                continue
            try:
                self._assign(name, value, origin)
            except ParameterError as error:
                problems.append(_with_origin(str(error), origin))
        for layer in layers:
            for name in layer.steps:
                self._report_step(name, layer, problems)

    def _report_step(self, name: str, layer: Settings, problems: list[str]) -> None:
        self._report(f"{self.label}: found settings of a step {name!r}, but it has no steps", layer.origin, problems)

    @staticmethod
    def _report(problem: str, origin: Origin, problems: list[str]) -> None:
        """A name that CRDS knows and gpipe does not is no fault of the user."""
        if origin.kind == Kind.CRDS:
            log.warning("%s; it is not used", _with_origin(problem, origin))
        else:
            problems.append(_with_origin(problem, origin))

    def origin(self, name: str) -> Origin:
        """Where the value of a parameter comes from."""
        if name not in type(self).parameters():
            raise ParameterError(self._unknown(name))
        return self._origins.get(name, DEFAULT)

    def get_pars(self, full_spec: bool = True) -> dict[str, Any]:
        """The values of all parameters, or of those that the class declares itself."""
        names = type(self).parameters()
        if not full_spec:
            names = {n: t for n, t in names.items() if n not in Step.class_traits() and not n.startswith("override_")}
        return {name: getattr(self, name) for name in names}

    def update_pars(self, parameters: Mapping[str, Any]) -> None:
        """Set several parameters, checked as on assignment."""
        self.configure([Settings(ATTRIBUTE, parameters)])


def _with_origin(problem: str, origin: Origin) -> str:
    return f"{problem} ({origin})" if origin.file else problem
