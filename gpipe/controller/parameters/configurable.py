"""Parameters of a step or a pipeline: values, and the origin of each."""

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import traitlets

from gpipe.controller.parameters import files
from gpipe.controller.parameters import types as p
from gpipe.controller.parameters.file_format import Entry
from gpipe.controller.parameters.files import HOOKS
from gpipe.controller.parameters.origins import ATTRIBUTE, DEFAULT, KEYWORD, Kind, Origin, Settings
from gpipe.exceptions import ParameterError

log = logging.getLogger(__name__)

LIKE_AN_OVERRIDE = 0.8
"""Likeness from which on the name of an override, of which all begin alike, is taken for a misspelt one."""


class Configurable(traitlets.HasTraits):
    """A named set of parameters, declared as class attributes.

    Class attributes
    ----------------
    alias : short name.
    step_synonyms : other names of its steps that users know.
    """

    alias: ClassVar[str] = ""
    step_synonyms: ClassVar[Mapping[str, str]] = {}

    pre_hooks = p.List([], help="Functions, steps or shell commands to run on the exposure before the step.")
    post_hooks = p.List([], help="Functions, steps or shell commands to run on the result of the step.")
    output_file = p.OutputFile(None, help="Name of the product before its suffix; saves the result.")
    output_dir = p.Path(None, help="Folder of the product, made when missing; saves the result.")
    output_ext = p.String(".fits", help="File type of the product.")
    output_use_model = p.Boolean(False, help="Name the product after the file name in the result's own metadata.")
    output_use_index = p.Boolean(True, help="Products of one step are always numbered; for older scripts.")
    overwrite_input = p.Boolean(False, help="Let a product take the place of an input of the same name.")
    save_results = p.Boolean(False, help="Save the result.")
    skip = p.Boolean(False, help="Leave the exposure as it is.")
    suffix = p.String(None, help="End of the product's name in place of the step's own.")
    search_output_file = p.Boolean(True, help="Name the product after the pipeline's output_file where there is one.")
    input_dir = p.Path(None, help="Folder of further input files (MSA metadata); by default that of the exposure.")

    def __init__(self, name: str | None = None, *, parent: "Configurable | None" = None, **parameters: Any) -> None:
        super().__init__()
        self._name, self._parent = name, parent
        self._origins: dict[str, Origin] = {}
        if parent is None:
            self.configure([Settings(KEYWORD, parameters)])

    @property
    def name(self) -> str:
        """The step's name in its pipeline, the name given to it, or its alias."""
        return self._name or self.alias or type(self).__name__

    @property
    def label(self) -> str:
        """Name of the step in messages."""
        return self.name if self._parent is not None else type(self).__name__

    @property
    def parent(self) -> Any:
        """The pipeline that the step belongs to, or None."""
        return self._parent

    @classmethod
    def substeps(cls) -> Mapping[str, "type[Configurable]"]:
        """The classes of the steps that this one is made of, by name."""
        return {}

    @classmethod
    def known_as(cls) -> set[str]:
        """Names of this class, and of those that it is made from, in parameter files; the module never counts."""
        lineage = [base for base in cls.__mro__ if issubclass(base, Configurable) and base.alias]
        return {name for base in lineage for name in (base.__name__, base.alias)}

    @classmethod
    def parameters(cls) -> dict[str, p.Parameter]:
        """The declared parameters by name, those of the step first."""
        declared = {n: t for n, t in cls.class_traits().items() if isinstance(t, p.Parameter)}
        own = [n for n in declared if n not in Configurable.class_traits()]
        return {n: declared[n] for n in [*own, *(n for n in declared if n not in own)]}

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif name in type(self).parameters():
            self._assign(name, value, ATTRIBUTE)
        elif self._takes_attribute(name):
            object.__setattr__(self, name, value)
        else:
            raise ParameterError(self._unknown(name))

    def _takes_attribute(self, name: str) -> bool:
        """Tell whether a name that is no parameter may be set now."""
        return False

    def __getitem__(self, name: str) -> Any:
        """The value of a parameter by its name: ``pipeline.steps["jump"]["skip"]``, as in jwst."""
        if name not in type(self).parameters():
            raise ParameterError(self._unknown(name))
        return getattr(self, name)

    def _assign(self, name: str, value: Any, origin: Origin) -> None:
        object.__setattr__(self, name, value)
        self._origins[name] = origin

    def _unknown(self, name: str) -> str:
        known = list(type(self).parameters())
        if name.startswith("override_"):
            known = [n for n in known if n.startswith("override_")]
            return p.unknown_name(self.label, name, known, cutoff=LIKE_AN_OVERRIDE)
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
        """Return the origin of the value of a parameter."""
        if name not in type(self).parameters():
            raise ParameterError(self._unknown(name))
        return self._origins.get(name, DEFAULT)

    def refuses_to_save(self) -> bool:
        """Tell whether the user said ``save_results=False``; a parameter file lists what nobody has said."""
        return not self.save_results and self.origin("save_results") in (KEYWORD, ATTRIBUTE)

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
        names = list(type(self).parameters())
        if not full_spec:
            common = Configurable.class_traits()
            names = [n for n in names if n not in common and not n.startswith("override_")]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config_file(cls, path: str | os.PathLike[str], name: str | None = None) -> Self:
        """An instance with the values of a parameter file.

        Its class is the one that the file names, where that is made from this one and has been imported.
        """
        return files.from_config_file(cls, path, name)

    def export_config(self, path: str | os.PathLike[str], include_metadata: bool = False) -> None:
        """Write all parameters to an ASDF file that ``config_file`` and ``from_config_file`` read back.

        What a file cannot hold, open models and hooks, is left out with a warning.
        """
        files.export_config(self, path, include_metadata=include_metadata)

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


def _with_origin(problem: str, origin: Origin) -> str:
    return f"{problem} ({origin})" if origin.file else problem
