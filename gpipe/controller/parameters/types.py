"""Parameters that a step declares: checked and converted where they are set.

Each kind of parameter is a traitlets trait. A step declares them as class attributes::

    rejection_threshold = parameters.Float(4.0, min=0, unit="sigma", help="Threshold of a jump.")

None is a value only where the default is None (or with ``optional=True``).
"""

import difflib
import numbers
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

import traitlets

from gpipe.exceptions import ParameterError
from gpipe.user_files import expanded

TRUE_WORDS = ("true", "yes", "on", "1")
FALSE_WORDS = ("false", "no", "off", "0")
TRUTH_WORDS = (*TRUE_WORDS, *FALSE_WORDS)
LONGEST = 200
"""Characters of a value in messages."""
CORE_WORDS = ("none", "one", "quarter", "half", "all")


Value = TypeVar("Value")
Truth = TypeVar("Truth", bool, bool | None)
Whole = TypeVar("Whole", int, int | None)
Real = TypeVar("Real", float, float | None)
Text = TypeVar("Text", str, str | None)


class Holds(Generic[Value]):
    """Tells type checkers what a parameter of a step is when it is read: with None if that is its default."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, obj: None, cls: type[Any]) -> Self: ...
        @overload
        def __get__(self, obj: Any, cls: type[Any]) -> Value: ...
        def __get__(self, obj: Any, cls: type[Any]) -> Any: ...


class Parameter(traitlets.TraitType[Any, Any]):
    """One parameter: its default, its unit, what it is for, and how a value becomes the stored one.

    ``deprecated`` is a sentence for those who use it still, which names what to use in its place.

    Subclasses implement ``convert`` (raises ValueError or TypeError for what is not allowed) and ``kind`` (the words
    an error uses for what is).
    """

    def __init__(
        self, default: Any, *, help: str = "", unit: str = "", optional: bool = False, deprecated: str = ""
    ) -> None:
        super().__init__(default_value=default, allow_none=optional or default is None, help=help)
        self.unit, self.deprecated = unit, deprecated

    def named(self, name: str) -> Self:
        """Give the parameter its name, where no class declares it."""
        self.name = name
        return self

    def convert(self, value: Any) -> Any:
        """The value to store; ValueError or TypeError when it is not allowed."""
        raise NotImplementedError

    def kind(self) -> str:
        """Describe the allowed values in words."""
        raise NotImplementedError

    def allowed(self) -> str:
        """Describe the allowed values in words, with None and the unit."""
        return self.kind() + (f" [{self.unit}]" if self.unit else "") + (" or None" if self.allow_none else "")

    def validate(self, obj: Any, value: Any) -> Any:
        """Called by traitlets on assignment; ParameterError names the parameter, the value and what is allowed."""
        try:
            return self.convert(value)
        except (ValueError, TypeError, OverflowError):
            label = f"{obj.label}.{self.name}" if hasattr(obj, "label") else self.name
            found = f"{value!r:.{LONGEST}} ({type(value).__name__})"
            raise ParameterError.at(label, found, self.allowed()) from None


def _bounds_in_words(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f", at least {low}"
    return f", at most {high}" if high is not None else ""


class _Number(Parameter):
    def __init__(self, default: Any, *, min: float | None = None, max: float | None = None, **declared: Any) -> None:
        super().__init__(default, **declared)
        self.min, self.max = min, max

    def convert(self, value: Any) -> Any:
        number = self._number(value)
        if (self.min is not None and not number >= self.min) or (self.max is not None and not number <= self.max):
            raise ValueError("out of range")
        return number

    def _number(self, value: Any) -> Any:
        raise NotImplementedError


class Float(Holds[Real], _Number):
    """A real number, or text of one; stored as float."""

    def __init__(self, default: Real, **declared: Any) -> None:
        super().__init__(default, **declared)

    def _number(self, value: Any) -> float:
        if not isinstance(value, (numbers.Real, str)):
            raise TypeError("not a number")
        return float(value)

    def kind(self) -> str:
        return "a number" + _bounds_in_words(self.min, self.max)


class Integer(Holds[Whole], _Number):
    """A whole number, or text of one; stored as int. 5.0 is not one: a fraction is never cut off."""

    def __init__(self, default: Whole, **declared: Any) -> None:
        super().__init__(default, **declared)

    def _number(self, value: Any) -> int:
        if not isinstance(value, (numbers.Integral, str)):
            raise TypeError("not a whole number")
        return int(value)

    def kind(self) -> str:
        return "a whole number" + _bounds_in_words(self.min, self.max)


class Boolean(Holds[Truth], Parameter):
    """True or False, 1 or 0, or one of the words yes/no, on/off, true/false in any case; stored as bool."""

    def __init__(self, default: Truth, **declared: Any) -> None:
        super().__init__(default, **declared)

    def convert(self, value: Any) -> bool:
        word = str(value).strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise ValueError("not a truth value")

    def kind(self) -> str:
        return "True or False (or yes/no, on/off, 1/0)"


class String(Holds[Text], Parameter):
    """Text; numbers are not turned into text."""

    def __init__(self, default: Text, **declared: Any) -> None:
        super().__init__(default, **declared)

    def convert(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError("not text")
        if "\0" in value:
            raise ValueError("no name of a file, or of a product")
        return str(value)

    def kind(self) -> str:
        return "text"


class Path(Holds[Text], Parameter):
    """A file or folder, as text or path object; stored as text with ``~`` and ``$VAR`` expanded."""

    def __init__(self, default: Text, **declared: Any) -> None:
        super().__init__(default, **declared)

    def convert(self, value: Any) -> str:
        text = os.fspath(value)
        if not isinstance(text, str):
            raise TypeError("not a text path")
        if b"\0" in os.fsencode(text):
            raise ValueError("no system has such a path")
        return expanded(text)

    def kind(self) -> str:
        return "a path"


class OutputFile(Path[Text]):
    """The name of a file to write; a folder in it is where the file goes."""

    def convert(self, value: Any) -> str:
        text = super().convert(value)
        if not text:
            raise ValueError("empty")
        return text

    def kind(self) -> str:
        return "a file name"


class Override(Path[Any]):
    """A reference file to use in place of the one from CRDS: a path, or an open model, which is stored as it is."""

    def __init__(self, reftype: str) -> None:
        super().__init__(None, help=f"Reference of type {reftype} to use in place of the one from CRDS.")

    def convert(self, value: Any) -> Any:
        if hasattr(value, "meta") and not isinstance(value, type):
            return value
        text = super().convert(value)
        if not text.strip():
            raise ValueError("empty")
        return text

    def kind(self) -> str:
        return "a path or an open reference model"


class Option(Holds[Text], Parameter):
    """One of a few words, in exactly this case."""

    def __init__(self, default: Text, options: Sequence[Any], **declared: Any) -> None:
        super().__init__(default, **declared)
        self.options = tuple(o for o in options if o is not None)
        self.allow_none = self.allow_none or None in options

    def convert(self, value: Any) -> Any:
        if not isinstance(value, str) or value not in self.options:
            raise ValueError("not an option")
        return value

    def kind(self) -> str:
        return "one of " + ", ".join(map(repr, self.options))


class List(Parameter):
    """A list or tuple; stored as a new list. A single value or text is not a list."""

    def __init__(
        self, default: Any, *, min: int = 0, max: int | None = None, item: Parameter | None = None, **declared: Any
    ) -> None:
        super().__init__(None if default is None else tuple(default), **declared)
        self.min, self.max, self.item = min, max, item

    def default(self, obj: Any = None) -> Any:
        # A new list for every instance: one that a user appends to is not shared.
        return None if self.default_value is None else list(self.default_value)

    def convert(self, value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise TypeError("not a list")
        if len(value) < self.min or (self.max is not None and len(value) > self.max):
            raise ValueError("wrong length")
        return [v if self.item is None else self.item.convert(v) for v in value]

    def kind(self) -> str:
        if self.max is None:
            length = f" of at least {self.min}" if self.min else ""
        else:
            length = f" of {self.min}" if self.min == self.max else f" of {self.min} to {self.max}"
        return f"a list{length}" + (f", each {self.item.kind()}" if self.item else "")


class Files(List):
    """Files: a list of paths or of what is open, one of them alone, or text with commas between paths."""

    def convert(self, value: Any) -> list[Any]:
        if isinstance(value, str):
            value = [name.strip() for name in value.split(",")]
        given = value if isinstance(value, (list, tuple)) else [value]
        return [one if hasattr(one, "meta") else expanded(one) for one in given if one != ""]

    def kind(self) -> str:
        return "paths or open models"


class FloatList(List):
    """A list of numbers."""

    def __init__(self, default: Any, **declared: Any) -> None:
        super().__init__(default, item=Float(0.0), **declared)


class IntegerList(List):
    """A list of whole numbers."""

    def __init__(self, default: Any, **declared: Any) -> None:
        super().__init__(default, item=Integer(0), **declared)


class Cores(Holds[Text], Parameter):
    """Number of CPU cores: a whole number, or none, one, quarter, half, all in any case; stored as lower-case text."""

    def __init__(self, default: Text, **declared: Any) -> None:
        super().__init__(default, **declared)

    def convert(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (numbers.Integral, str)):
            raise TypeError("not a number of cores")
        word = str(value).strip().lower()
        if word in CORE_WORDS:
            return word
        if int(word) < 1:
            raise ValueError("less than one core")
        return str(int(word))

    def kind(self) -> str:
        return "a whole number of cores, at least 1, or one of " + ", ".join(map(repr, CORE_WORDS))


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Find the known name that is most like a name; None if none is near."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), None)


def unknown_name(what: str, name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Say in a line that ``name`` is not known, with the nearest known one, or all of them if none is near."""
    known = sorted(known)
    near = nearest(name, known, cutoff)
    hint = f"; did you mean {near!r}?" if near else f" (allowed: {', '.join(known) or 'none'})"
    return f"{what}: unknown name {name!r:.{LONGEST}}{hint}"


def raise_together(problems: Sequence[str]) -> None:
    """Raise one ParameterError with one line for each problem; nothing without problems."""
    if problems:
        raise ParameterError("\n".join(dict.fromkeys(problems)))
