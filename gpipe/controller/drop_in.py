"""Names of jwst's steps: what scripts and subclasses written for jwst call on a step, and what they declare in it."""

import difflib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from gpipe.controller import call as calling
from gpipe.controller.declaration.ref import Ref
from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.display.shown import Shown, ShownClass
from gpipe.controller.parameters import precedence
from gpipe.controller.parameters.origins import Settings
from gpipe.controller.parameters.spec import parameters_of, spec_of

LIKE_A_PARAMETER = 0.85
"""Likeness of names from which on an attribute is taken for a misspelt parameter."""


class WithSpec(ShownClass):
    """Classes with ``spec``, the parameters as jwst declares them; the text is made when somebody reads it."""

    __doc__ = vars(ShownClass)["__doc__"]  # a property, which the text above would hide

    def __getattr__(cls, name: str) -> str:  # noqa: N805 - a metaclass
        if name != "spec" or not issubclass(cls, StepBase):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        common = StepBase.parameters()
        own = {key: one for key, one in cls.parameters().items() if key not in common}
        return spec_of({key: one for key, one in own.items() if not key.startswith("override_")})


class DropIn(Shown, metaclass=WithSpec):
    """A step with the names that jwst's steps have, in their meaning.

    A subclass may declare parameters as text (``spec``), its name as ``class_alias``, types of references that it asks
    for itself as ``reference_file_types``, and replace ``process``.
    """

    class_alias: ClassVar[str] = ""
    prefetch_references: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        declared = cls.__dict__
        if "class_alias" in declared:
            cls.alias = cls.class_alias or ""
        if "reference_file_types" in declared and "references" not in declared:
            cls.references = tuple(Ref(reftype, optional=True) for reftype in cls.reference_file_types)
        super().__init_subclass__(**kwargs)
        cls.class_alias = cls.alias
        if "spec" in declared:
            for name, parameter in parameters_of(cls.spec, cls.__name__).items():
                setattr(cls, name, parameter)
                parameter.class_init(cls, name)

    @classmethod
    def has_own_process(cls) -> bool:
        """Tell whether a subclass has replaced ``process``."""
        return cls.process is not DropIn.process

    def process(self, source: Any) -> Any:
        """Do the work of the step or pipeline on a path, a model or an exposure in flight, as ``super().process``.

        The result and the errors are those of ``run``. Hooks are not run, and the result is not saved: that is for the
        run around it. A subclass that replaces this method gets a model of its own, which it may change, and returns a
        model, or several.
        """
        return calling.standard_process(self, source)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let ``process`` keep what it likes on the instance within the block."""
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False

    def _takes_attribute(self, name: str) -> bool:
        near = difflib.get_close_matches(name, type(self).parameters(), n=1, cutoff=LIKE_A_PARAMETER)
        return self.__dict__.get("_at_work", False) and not near

    @property
    def qualified_name(self) -> str:
        """The name of the step's logger, after the classes of its pipeline and itself."""
        return f"gpipe.{type(self).__name__}" if self.parent is None else f"{self.parent.qualified_name}.{self.name}"

    @property
    def log(self) -> logging.Logger:
        """A logger for the code of a subclass; its lines are in the log of the product, too."""
        return logging.getLogger(self.qualified_name)

    def prepare_output(self, source: Any, **options: Any) -> Any:
        """Open a path as a model, as `open_model` does; a model is returned as it is: it is the step's to change."""
        return source if hasattr(source, "meta") else self.open_model(source)

    def open_model(self, source: Any, **options: Any) -> Any:
        """Open an exposure as a ``stdatamodels`` model with NumPy arrays. InputError: it cannot be read."""
        from gpipe import backends
        from gpipe.datamodels import open_exposure, to_model

        return to_model(open_exposure(source, backends.get("numpy")))

    @property
    def make_output_path(self) -> Callable[..., str]:
        """Name a product as the step would: ``make_output_path(basepath, ext=, suffix=, **components)``."""
        return partial(_output_path, self)

    def save_model(
        self,
        model: Any,
        suffix: str | None = None,
        idx: int | None = None,
        output_file: str | None = None,
        force: bool = False,
        **components: Any,
    ) -> str | None:
        """Write a model under the name that the step gives it, if results are saved.

        Parameters
        ----------
        model : a ``stdatamodels`` model or an exposure in flight.
        suffix : end of the name in place of the step's.
        idx, components : further parts of the name.
        output_file : base of the name, which also asks for the file.
        force : True to write it in any case.

        Returns
        -------
        The path; None if results are not saved. OutputError: it cannot be written.
        """
        from gpipe.controller.products.background_writer import written_at_once

        levels, parts = _levels(self, output_file), tuple(components.values())
        if not (force or levels[0].saves):
            return None
        with written_at_once():
            return str(
                _saver(self, model).save(
                    model, levels, default_suffix=self.name, suffix=suffix, index=idx, components=parts
                )
            )

    def get_reference_file(self, dataset: Any, reference_file_type: str) -> Any:
        """Find a reference of an exposure: its path, ``'N/A'``, or the open model that overrides it.

        ``dataset`` is a model or a path. ReferenceFileError: CRDS has none, or it is not to be had.
        """
        from gpipe.controller.references.resolution import find_reference

        steps = (self, *(getattr(self, name) for name in self.substeps()))
        given = (getattr(step, f"override_{reference_file_type}", None) for step in steps if not step.skip)
        override = next((value for value in given if value is not None), None)
        return find_reference(reference_file_type, _crds_parameters(dataset), override)

    @classmethod
    def get_config_from_reference(
        cls, dataset: Any, disable: bool | None = None, crds_observatory: str | None = None
    ) -> dict[str, Any]:
        """Read the parameters that CRDS recommends for an exposure; those of a pipeline's steps are under ``steps``.

        ``dataset`` is a model, a path, or the metadata by which CRDS selects. Empty if CRDS has none, or if
        ``disable`` or STPIPE_DISABLE_CRDS_STEPPARS is true.
        """
        from gpipe.controller.references.resolution import find_parameter_file

        layers: list[Settings] = []
        if not (precedence.crds_parameters_disabled() if disable is None else disable):
            find = partial(find_parameter_file, crds_parameters=_crds_parameters(dataset))
            layers = precedence.layers_from_crds(cls, [*cls.substeps()], find)
        steps = {name: _values([one.steps[name] for one in layers if name in one.steps]) for name in cls.substeps()}
        return _values(layers) | ({"steps": steps} if steps else {})


def _values(layers: list[Settings]) -> dict[str, Any]:
    return {name: value for layer in layers for name, value in layer.values.items()}


def _crds_parameters(dataset: Any) -> Mapping[str, Any]:
    if isinstance(dataset, Mapping):
        return dataset
    from gpipe.datamodels import crds_parameters, read_header

    found: Mapping[str, Any]
    asks_itself = hasattr(dataset, "get_crds_parameters")
    found = dataset.get_crds_parameters() if asks_itself else crds_parameters(read_header(dataset))
    return found


def _levels(step: DropIn, output_file: str | None = None, ext: str | None = None) -> list[Any]:
    from gpipe.controller.run.record import output_levels

    own, *outer = output_levels(step)
    own = replace(own, output_file=output_file or own.output_file, output_ext=ext or own.output_ext)
    return [own, *outer]


def _saver(step: DropIn, model: Any) -> Any:
    """Make a saver for a product of the exposure in whose run the step is; else of that in the model."""
    from gpipe.controller.products.saving import Saver
    from gpipe.controller.run.user_code.own_process import surroundings_of

    around = surroundings_of(step)
    return around.saver.another() if around else Saver(model.meta.filename)


def _base(step: DropIn) -> str | None:
    """Return the name of the exposure in whose run the step is."""
    from gpipe.controller.run.user_code.own_process import surroundings_of

    around = surroundings_of(step)
    return around.saver.input_name if around else None


def _output_path(
    step: DropIn, basepath: str | None = None, ext: str | None = None, suffix: Any = None, **components: Any
) -> str:
    from gpipe.controller.products.naming import named_path, output_path

    levels = _levels(step, basepath, ext)
    if suffix is False:
        return str(named_path(levels, basepath or _base(step) or f"step_{step.name}"))
    parts = tuple(components.values())
    return str(output_path(levels, default_suffix=step.name, input_name=_base(step), suffix=suffix, components=parts))
