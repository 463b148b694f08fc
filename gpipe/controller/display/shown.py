"""Steps and pipelines at a prompt: the names that tab completes, signatures, help, and a line for an instance."""

from typing import TYPE_CHECKING, Any, NoReturn, cast

import traitlets

from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.parameters import types as p

OF_CLASSES = ("call", "plan", "from_config_file")
OF_INSTANCES = ("call", "run", "plan", "parameters", "describe", "export_config", "origin")


class HelpText:
    """The docstring of a class, completed by its declarations when somebody reads it."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def __get__(self, instance: object, owner: type[StepBase]) -> str:
        if not _is_set_up(owner):
            return self.text or ""
        from gpipe.controller.display.help_text import help_of

        lineage = (vars(base).get("__doc__") for base in owner.__mro__ if issubclass(base, StepBase))
        texts = (found.text if isinstance(found, HelpText) else found for found in lineage)
        return help_of(owner, next((text for text in texts if text), ""))


class ClassSignature:
    """The signature of a class, made of its parameters when somebody reads it."""

    def __get__(self, instance: object, owner: type[StepBase]) -> Any:
        if instance is not None or not _is_set_up(owner):
            raise AttributeError("__signature__")
        from gpipe.controller.display.signature import of_class

        return of_class(owner)


class ShownClass(traitlets.MetaHasTraits):
    """Classes that show at a prompt what a user calls on them; all other names are there, too."""

    def __new__(mcs, name: str, bases: tuple[type, ...], classdict: dict[str, Any], **kwargs: Any) -> Any:
        """Make a class whose docstring is completed when somebody reads it."""
        classdict["__doc__"] = HelpText(classdict.get("__doc__"))
        return super().__new__(mcs, name, bases, classdict, **kwargs)

    @property
    def __doc__(cls) -> str:  # type: ignore[override]
        """Return the text also to pydoc, which asks for the attribute as it is stored."""
        text: HelpText = vars(cls)["__doc__"]
        return text.__get__(None, cast(type[StepBase], cls))

    def setup_class(cls, classdict: dict[str, Any]) -> None:
        """Let traitlets find its descriptors, for which it looks at all names."""
        super().setup_class(classdict)
        cls._set_up = cls

    def __dir__(cls) -> list[str]:
        return [*OF_CLASSES] if _is_set_up(cls) else [*super().__dir__()]


def _is_set_up(cls: type) -> bool:
    """Tell whether traitlets has looked at all attributes of a class, of which some are made when they are read."""
    return vars(cls).get("_set_up") is cls


class Shown(StepBase, metaclass=ShownClass):
    """A step as people meet it at a prompt or in a notebook."""

    __signature__ = ClassSignature()

    def __dir__(self) -> list[str]:
        added = [name for name in vars(self) if not name.startswith("_")]
        return [*self.substeps(), *OF_INSTANCES, *type(self).parameters(), *added]

    def __repr__(self) -> str:
        from gpipe.controller.display.instance import line

        return line(self)

    def _repr_html_(self) -> str:
        from gpipe.controller.display.instance import html

        return html(self)

    if not TYPE_CHECKING:  # a name that a class does not declare is an error to type checkers

        def __getattr__(self, name: str) -> Any:
            known = [] if name.startswith("_") else [*self.substeps(), *type(self).parameters()]
            near = p.nearest(name, known)
            hint = f"; did you mean {near!r}?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no step or parameter {name!r}{hint}", name=name, obj=self)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Tell the two ways to calibrate an exposure: TypeError."""
        name = type(self).__name__
        raise TypeError(
            f"{name} is called by its methods: {name}.call(exposure, ...), with the parameters that CRDS recommends, "
            "or run(exposure), with those of this instance"
        )
