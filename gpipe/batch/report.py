"""Report of a run: what became of each exposure."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from gpipe.exceptions import exposures_failed


@dataclass(frozen=True)
class Outcome:
    """What became of one exposure.

    Attributes
    ----------
    name : of its file.
    seconds : wall time, without files that were written meanwhile.
    products : the files that were written.
    error : why it failed; None if it is done.
    """

    name: str
    seconds: float
    products: tuple[Path, ...] = ()
    error: Exception | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return f"{self.name}: failed: {self.error}"
        files = ", ".join(str(path) for path in self.products)
        return f"{self.name}: {self.seconds:.1f} s → {files or 'no file'}"


@dataclass(frozen=True)
class RunReport:
    """What became of all exposures, in order; as text, a line for each that failed and one for the whole."""

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def done(self) -> list[Outcome]:
        """The exposures that are calibrated."""
        return [outcome for outcome in self.outcomes if outcome.error is None]

    @property
    def failed(self) -> list[Outcome]:
        """The exposures that are not."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    def raise_errors(self) -> None:
        """Raise what failed: the error of the only exposure, or `ExposureErrors`."""
        errors = [outcome.error for outcome in self.failed if outcome.error is not None]
        if len(self.outcomes) == 1 and errors:
            raise errors[0]
        if errors:
            raise exposures_failed(errors, len(errors), len(self.outcomes))

    def __repr__(self) -> str:
        return f"RunReport({str(self).splitlines()[-1]})"

    def _repr_html_(self) -> str:
        """Make a list of the exposures for notebooks."""
        items = "".join(f"<li>{escape(str(outcome))}</li>" for outcome in self.outcomes)
        return f"<div>{escape(str(self).splitlines()[-1])}<ul>{items}</ul></div>"

    def save_pictures(self) -> list[Path]:
        """Draw the first product of each exposure into a PNG beside it."""
        from gpipe.quicklook import look

        drawn = [outcome.products[0] for outcome in self.done if outcome.products]
        for path in drawn:
            look(path, path=path.with_suffix(".png"))
        return [path.with_suffix(".png") for path in drawn]

    def __str__(self) -> str:
        whole = f"{len(self.done)} of {len(self.outcomes)} done in {self.seconds:.0f} s"
        return "\n".join([*map(str, self.failed), whole + (f", {len(self.failed)} failed" if self.failed else "")])
