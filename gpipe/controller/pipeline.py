"""Pipeline: steps in an order that the exposure decides."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from gpipe.controller.declaration.given import Given
from gpipe.controller.parameters import types as p
from gpipe.controller.parameters.file_format import Entry
from gpipe.controller.parameters.origins import Settings
from gpipe.controller.parameters.precedence import layers_from_keywords
from gpipe.controller.products.naming import OutputSettings
from gpipe.controller.step import Step
from gpipe.exceptions import ParameterError

S = TypeVar("S", bound=Step)

LIKE_A_STEP = 0.8
"""Likeness from which on the name of a parameter is taken for that of a step."""


class Pipeline(Step):
    """Steps, each an attribute of the pipeline (``pipe.jump``), run one after the other on one exposure.

    Class attributes
    ----------------
    step_defs : the steps by name.
    step_synonyms : other names of steps that users know.
    saves_before : suffixes of products that are saved before a step, by its name, if `asks_for` agrees.
    own_products : steps after all others whose results are products of their own (``resample``): the exposure that
        the pipeline returns is the one before them. They run if somebody gets what they make: if it is saved, as all
        products are where the pipeline saves, or a step has hooks.
    """

    step_defs: ClassVar[Mapping[str, type[Step]]] = {}
    saves_before: ClassVar[Mapping[str, str]] = {}
    own_products: ClassVar[Sequence[str]] = ()

    def __init__(
        self,
        name: str | None = None,
        *,
        parent: Step | None = None,
        steps: Mapping[str, Mapping[str, Any]] | None = None,
        **parameters: Any,
    ) -> None:
        self._steps = {key: step(key, parent=self) for key, step in self.step_defs.items()}
        super().__init__(name, parent=parent)
        if parent is None:
            self.configure(layers_from_keywords(type(self), parameters, steps))

    def order(self, meta: Any) -> Sequence[str]:
        """The names of the steps to run on an exposure with these metadata, in order. InputError refuses it."""
        return tuple(self.step_defs)

    def leaves_out(self, name: str, given: Given) -> bool:
        """Tell whether a step of the order is not for an input, and leaves no trace on its products."""
        return False

    @classmethod
    def substeps(cls) -> Mapping[str, type[Step]]:
        """The classes of the steps by name."""
        return cls.step_defs

    def sequence(self, meta: Any, given: Given | None = None) -> Sequence[Step]:
        """The steps to run on an exposure with these metadata, in order."""
        names = [name for name in self.order(meta) if given is None or not self.leaves_out(name, given)]
        if unknown := [name for name in names if name not in self._steps]:
            raise KeyError(f"{type(self).__name__}: order names {' and '.join(unknown)}, which step_defs lacks")
        return tuple(self._steps[name] for name in names)

    def asks_for(self, suffix: str) -> bool:
        """Tell whether the product of this suffix, one of ``saves_before``, is asked for."""
        return True

    def makes_own_product(self, name: str) -> bool:
        """Tell whether a step is one of ``own_products``."""
        return name in self.own_products

    def asks_for_result(self, name: str) -> bool:
        """Tell whether the result of a step is saved because the pipeline saves its products."""
        return name in self.own_products and OutputSettings.of(self).saves

    def suffix_before(self, name: str) -> str | None:
        """Return the suffix of the product that is saved before the step of this name; None if none is."""
        suffix = self.saves_before.get(name)
        return suffix if suffix and self.asks_for(suffix) else None

    def returned(self, results: Sequence[Any]) -> Sequence[Any]:
        """The main result; the others are files only."""
        return results[:1]

    def step_of(self, kind: type[S]) -> S:
        """The step of a class; KeyError where the pipeline has none."""
        for step in self._steps.values():
            if isinstance(step, kind):
                return step
        raise KeyError(kind.__name__)

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps by name."""
        return dict(self._steps)

    if not TYPE_CHECKING:  # a pipeline declares the types of its steps

        def __getattr__(self, name: str) -> Step:
            try:
                return self.__dict__["_steps"][name]
            except KeyError:
                return super().__getattr__(name)

    def _configure(self, layers: Sequence[Settings], problems: list[str]) -> None:
        super()._configure(layers, problems)
        for name, step in self._steps.items():
            inner = [layer.steps[key] for layer in layers for key in layer.steps if self._step_name(key) == name]
            step._configure(inner, problems)

    def _step_name(self, name: str) -> str:
        return self.step_synonyms.get(name, name)

    def _report_step(self, name: str, layer: Settings, problems: list[str]) -> None:
        if self._step_name(name) not in self._steps:
            self._report(p.unknown_name(f"{self.label} steps", name, self._steps), layer.origin, problems)

    def _unknown(self, name: str) -> str:
        if step := p.nearest(name, [*self._steps, *self.step_synonyms], LIKE_A_STEP):
            return f"{self.label}: found {name!r} among the parameters, expected steps={{{step!r}: {{...}}}}"
        owners = [key for key, step in self._steps.items() if name in type(step).parameters()]
        if owners:
            which = " or ".join(f"steps={{{key!r}: {{{name!r}: ...}}}}" for key in owners)
            return f"{self.label}: unknown name {name!r}; it is a parameter of a step: {which}"
        return super()._unknown(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.step_defs:
            raise ParameterError(f"{self.label}.{name}: a step cannot be replaced; set its parameters")
        super().__setattr__(name, value)

    def setup_output(self, result: Any) -> None:
        """Do nothing: products have the suffix of their kind. A ``process`` written for jwst calls this at its end."""

    def describe(self) -> str:
        """All parameters of the pipeline and its steps, a line each."""
        return "\n".join([super().describe(), *(step.describe() for step in self._steps.values())])

    def changed(self) -> list[str]:
        """The parameters that were set on this instance and its steps."""
        inner = [f"{name}.{changed}" for name, step in self._steps.items() for changed in step.changed()]
        return super().changed() + inner

    def get_pars(self, full_spec: bool = True) -> dict[str, Any]:
        """The values of all parameters, those of the steps under ``steps``."""
        return super().get_pars(full_spec) | {"steps": {n: s.get_pars(full_spec) for n, s in self._steps.items()}}

    def as_entry(self) -> Entry:
        """The values as a parameter file holds them, those of the steps under ``steps``."""
        return replace(super().as_entry(), steps=tuple(step.as_entry() for step in self._steps.values()))
