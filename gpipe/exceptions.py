"""Every error that gpipe raises on purpose; each has its own exit status on the command line."""

import re
from collections.abc import Sequence
from typing import Any, Self

DEFECT = "defect"
"""The kind of errors that gpipe does not raise on purpose."""
_SUBJECTS, _SAID = ("parameter", "file", "reference"), ("found", "expected")
_LINE = re.compile(
    r"(?:(?P<subject>[^:\n]+): )?(?:(?:found )?(?P<found>[^\n]+?)[,;] expected (?P<expected>[^\n]+)|[^\n]+)"
)


class GpipeError(Exception):
    """Base of all errors of gpipe.

    Messages have the form ``SUBJECT: found WHAT, expected WHAT``, as far as there are these parts.

    Class attributes
    ----------------
    exit_status : of the command line.
    kind : one word for users.
    subject : parameter, file or reference: what the messages of the class begin with.

    Attributes
    ----------
    parameter, file, reference : what is wrong; None for what the error does not name.
    found, expected : in words; None where the error does not say so.
    """

    exit_status = 1
    kind = DEFECT
    subject = "file"
    parameter: str | None = None
    file: str | None = None
    reference: str | None = None
    found: str | None = None
    expected: str | None = None

    def __init__(self, *args: Any, **named: str) -> None:
        super().__init__(*args)
        self.__dict__.update(named)  # pickled with the error, as all attributes

    @classmethod
    def at(cls, where: object, found: object, expected: object, **named: str) -> Self:
        """Make an error whose message and attributes say the same.

        Parameters
        ----------
        where : what the message begins with.
        found, expected : in words.
        named : parameter, file or reference, if that is not what the message begins with.
        """
        message = f"{where}: found {found}, expected {expected}"
        named = named or {cls._kind_of(str(where)): str(where)}
        return cls(message, found=str(found), expected=str(expected), **named)

    @property
    def parts(self) -> dict[str, str]:
        """Return what the error names: parameter, file or reference, found, expected.

        The first line of the message tells what the attributes do not.
        """
        told = {name: text for name in (*_SUBJECTS, *_SAID) if (text := getattr(self, name)) is not None}
        named = any(name in told for name in _SUBJECTS)
        return {name: text for name, text in self._read().items() if not (named and name in _SUBJECTS)} | told

    def _read(self) -> dict[str, str]:
        line = _LINE.match(str(self))
        parts = {name: text for name, text in line.groupdict().items() if text} if line else {}
        subject = parts.pop("subject", "")
        return {self._kind_of(subject): subject, **parts} if subject else parts

    @classmethod
    def _kind_of(cls, subject: str) -> str:
        # A word without a point is no file: an argument such as output_dir.
        return "parameter" if subject.isidentifier() else cls.subject


def status_of(error: BaseException) -> int:
    """Return the exit status for an error; a defect of gpipe has 1."""
    return getattr(error, "exit_status", GpipeError.exit_status)


def details(error: BaseException) -> dict[str, Any]:
    """Describe an error for programs: class, message, exit status, and what its message names."""
    notes = "\n".join([str(error), *getattr(error, "__notes__", ())])
    parts = error.parts if isinstance(error, GpipeError) else {}
    return {"class": type(error).__name__, "message": notes, **parts, "exit_status": status_of(error)}


class ParameterError(GpipeError, ValueError):
    """A parameter, a parameter file or a step name is wrong."""

    exit_status = 2
    kind = "parameter"
    subject = "parameter"


class InputError(GpipeError, ValueError):
    """An exposure cannot be read, or is not what the step or pipeline calibrates."""

    exit_status = 3
    kind = "input"


class NoScienceDataError(InputError):
    """No light of the exposure falls on its detector: there is nothing to calibrate, and nothing is wrong."""

    exit_status = 64


class ReferenceFileError(GpipeError, ValueError):
    """A CRDS reference or mapping is missing, unreadable, of another type or does not match the exposure."""

    exit_status = 4
    kind = "reference"
    subject = "reference"


class OutputError(GpipeError, OSError):
    """A product cannot be written."""

    exit_status = 5
    kind = "output"


class BackendError(GpipeError, RuntimeError):
    """The requested array backend is unknown or not usable on this machine."""

    exit_status = 6
    kind = "backend"
    subject = "parameter"


class ExposureErrors(GpipeError, ExceptionGroup[Exception]):  # noqa: N818 - there are several
    """Some exposures of a list failed. All were tried, and the others are done.

    Attributes
    ----------
    exceptions : all errors, in the order of the exposures; notes name the exposure.
    results : in the order of the exposures what each gave, None where it failed. If only its file could not be written,
        the result is here.
    """

    exit_status = 7

    def __new__(cls, message: str, errors: Sequence[Exception], results: Sequence[Any] = ()) -> "ExposureErrors":
        """Make a group of errors, which takes no further arguments."""
        return super().__new__(cls, message, errors)

    def __init__(self, message: str, errors: Sequence[Exception], results: Sequence[Any] = ()) -> None:
        self.results = list(results)

    def derive(self, errors: Sequence[Exception]) -> "ExposureErrors":  # type: ignore[override]
        """Keep the results beside a part of the errors (``except*``)."""
        return ExposureErrors(self.message, errors, self.results)


def exposures_failed(
    errors: Sequence[Exception], failed: int, total: int, results: Sequence[Any] = ()
) -> ExposureErrors:
    """Make the error of a list of ``total`` exposures of which so many failed; its message tells the first errors."""
    first = "; ".join(map(str, errors[:3])) + "; …" * (len(errors) > 3)
    return ExposureErrors(f"{failed} of {total} exposures failed: {first}", errors, results)


def raise_all(problems: Sequence[Exception]) -> None:
    """Raise the first of some errors, if there are any; the others are told in its notes."""
    if problems:
        raise with_notes(problems[0], problems[1:])


def with_notes(error: BaseException, others: Sequence[Exception]) -> BaseException:
    """Tell of others in the notes of an error."""
    for other in others:
        error.add_note(f"also: {other}")
    return error
