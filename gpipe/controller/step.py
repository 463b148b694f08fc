"""Step: declared parameters and references around one function of an exposure."""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import traitlets

from gpipe.backends import Backend
from gpipe.controller import calling, parameter_files
from gpipe.controller import parameters as p
from gpipe.controller.calling import called_on_class
from gpipe.controller.parameter_files import Entry
from gpipe.controller.precedence import HOOKS, layers_from_file
from gpipe.controller.results import Produced, References, SideProduct
from gpipe.controller.settings import ATTRIBUTE, DEFAULT, KEYWORD, Kind, Origin, Settings
from gpipe.datamodels.ramp import InFlight, Ramp
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
    accepts : the kinds of exposure that the step works on. In a pipeline it is skipped for another kind.
    expects : ``cal_step`` places of steps that should have run, or been skipped on purpose, before this one.
    """

    class_alias: ClassVar[str] = ""
    cal_step: ClassVar[str] = ""
    reference_file_types: ClassVar[Sequence[str]] = ()
    optional_references: ClassVar[Sequence[str]] = ()
    missing_reference: ClassVar[Literal["skip", "error"]] = "skip"
    accepts: ClassVar[tuple[type[InFlight], ...]] = (Ramp,)
    expects: ClassVar[Sequence[str]] = ()
    step_synonyms: ClassVar[Mapping[str, str]] = {}

    pre_hooks = p.List([], help="Functions, steps or shell commands to run on the exposure before the step.")
    post_hooks = p.List([], help="Functions, steps or shell commands to run on the result of the step.")
    output_file = p.OutputFile(None, help="Name of the product before its suffix; saves the result.")
    output_dir = p.Path(None, help="Folder of the product, made when missing; saves the result.")
    output_ext = p.String(".fits", help="File type of the product.")
    output_use_model = p.Boolean(False, help="Name the product after the file name in the result's own metadata.")
    output_use_index = p.Boolean(True, help="Products of one step are always numbered; for older scripts.")
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

    def wanted_references(self, meta: Any) -> Sequence[str]:
        """Those of the references that an exposure needs: CRDS is asked for no others, and headers name no others."""
        return self.reference_file_types

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

    @classmethod
    def substeps(cls) -> Mapping[str, "type[Step]"]:
        """The classes of the steps that this one is made of, by name."""
        return {}

    @classmethod
    def known_as(cls) -> set[str]:
        """Names of this class, and of those that it is made from, in parameter files; the module never counts."""
        lineage = [base for base in cls.__mro__ if issubclass(base, Step) and base.class_alias]
        return {name for base in lineage for name in (base.__name__, base.class_alias)}

    # --- running ------------------------------------------------------------------------------------------------

    @called_on_class
    def call(
        cls: "type[Step]",  # noqa: N805
        source: Any,
        *,
        backend: str | Backend | None = None,
        config_file: str | os.PathLike[str] | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        logcfg: str | os.PathLike[str] | None = None,
        configure_log: bool = True,
        name: str | None = None,
        **parameters: Any,
    ) -> Any:
        """Calibrate an exposure with the parameters that CRDS recommends for it, and those given here.

        Parameters
        ----------
        source : path, open ``stdatamodels`` model, exposure in flight, or a list of them, which gives a list of
            results. Neither file nor model is changed.
        backend : ``"numpy"``, ``"cupy"`` or ``"auto"``.
        config_file : parameter file; ranks above CRDS and below keywords.
        steps : parameters of the steps of a pipeline, ``{"jump": {"rejection_threshold": 12}}``.
        logcfg : logging configuration; by default INFO lines go to stderr.
        configure_log : False leaves logging to the caller.
        name : of the step in place of its alias; also the suffix of its product.
        parameters : of the step or pipeline.

        Returns
        -------
        A ``stdatamodels`` model with NumPy arrays; an exposure in flight if ``source`` is one. A tuple where a step has
        several results.

        Raises
        ------
        ParameterError, InputError, ReferenceFileError, OutputError, BackendError
            Before work begins, wherever that can be known.
        """
        return calling.call(
            cls,
            source,
            backend=backend,
            config_file=config_file,
            steps=steps,
            logcfg=logcfg,
            configure_log=configure_log,
            name=name,
            parameters=parameters,
        )

    def run(self, source: Any, backend: str | Backend | None = None) -> Any:
        """Calibrate an exposure with the parameters of this instance; CRDS parameter files are not read.

        ``source``, ``backend``, the result and the errors are those of ``call``. Nothing of the run stays on the
        instance.
        """
        from gpipe.controller.execution import execute  # pulls in NumPy and the readers

        calling.say_that_run_reads_no_crds_parameters()
        return execute(self, source, backend)

    def plan(self, meta: Any) -> Sequence["Step"]:
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

    def _report(self, problem: str, origin: Origin, problems: list[str]) -> None:
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

    def describe(self) -> str:
        """All parameters, a line each: value, unit, where it comes from and what it is for."""
        lines = []
        for name, declared in type(self).parameters().items():
            unit = f" {declared.unit}" if declared.unit else ""
            lines.append(f"{self.name}.{name} = {getattr(self, name)!r}{unit} ({self.origin(name)}): {declared.help}")
        return "\n".join(lines)

    def changed(self) -> list[str]:
        """The parameters that were set on this instance."""
        return list(self._origins)

    def get_pars(self, full_spec: bool = True) -> dict[str, Any]:
        """The values of all parameters, or of those that the class declares itself."""
        names = type(self).parameters()
        if not full_spec:
            names = {n: t for n, t in names.items() if n not in Step.class_traits() and not n.startswith("override_")}
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config_file(cls, path: str | os.PathLike[str], name: str | None = None) -> Self:
        """An instance with the values of a parameter file.

        Its class is the one that the file names, where that is made from this one and has been imported.
        """
        wanted = parameter_files.read(path).class_basename
        known: list[type[Self]] = [cls, *_descendants(cls)]
        found = next((c for c in known if wanted in (c.__name__, c.class_alias)), cls)
        return found(name).configure(layers_from_file(found, path))

    def export_config(self, path: str | os.PathLike[str], include_metadata: bool = False) -> None:
        """Write all parameters to an ASDF file that ``config_file`` and ``from_config_file`` read back.

        What a file cannot hold, open models and hooks, is left out with a warning.
        """
        parameter_files.write(path, self.as_entry(), include_metadata=include_metadata)

    def as_entry(self) -> Entry:
        """The values as a parameter file holds them."""
        values = {n: v for n, v in self.get_pars().items() if n in type(self).parameters()}
        left_out = [n for n, v in values.items() if v and (n in HOOKS or hasattr(v, "meta"))]
        if left_out:
            log.warning("%s: %s cannot be exported", self.label, ", ".join(left_out))
        kept = {n: v for n, v in values.items() if n not in (*HOOKS, *left_out)}
        set_or_declared = {n: v for n, v in kept.items() if v is not None or not n.startswith("override_")}
        return Entry(f"{type(self).__module__}.{type(self).__qualname__}", self.name, set_or_declared)

    def update_pars(self, parameters: Mapping[str, Any]) -> None:
        """Set several parameters, checked as on assignment."""
        self.configure([Settings(ATTRIBUTE, parameters)])


def _descendants(cls: type[Any]) -> list[Any]:
    return [found for child in cls.__subclasses__() for found in (child, *_descendants(child))]


def _with_origin(problem: str, origin: Origin) -> str:
    return f"{problem} ({origin})" if origin.file else problem
