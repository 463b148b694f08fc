"""Report of a run: what became of each exposure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from gpipe.exceptions import DEFECT, ExposureErrors, GpipeError, exposures_failed, status_of
from gpipe.suffixes import split_suffix, stem

MOST_THUMBNAILS = 20
"""Products that the table of a report draws."""


@dataclass(frozen=True)
class Outcome:
    """What became of one exposure.

    Attributes
    ----------
    name : of its file.
    seconds : wall time, without files that were written meanwhile.
    products : the files that were written.
    error : why it failed; None if it is done.
    found : numbers that the steps have found, by plural nouns (``{"jumps": 29053}``).
    before : True where an earlier run has made the products from the same, so that nothing was done.
    """

    name: str
    seconds: float
    products: tuple[Path, ...] = ()
    error: Exception | None = None
    found: Mapping[str, int] = field(default_factory=dict)
    before: bool = False

    def values(self) -> dict[str, Any]:
        """Return what programs are told of an exposure that is done."""
        paths = [str(path) for path in self.products]
        counts = dict(self.found)
        return {"seconds": self.seconds, "counts": counts, "products": paths, "before": self.before}

    @property
    def base(self) -> str:
        """Return the name without folder, suffix and extension."""
        return split_suffix(stem(self.name))[0]

    @property
    def kind(self) -> str:
        """Return the kind of the error in a word: parameter, input, reference, output, backend or defect."""
        return self.error.kind if isinstance(self.error, GpipeError) else DEFECT

    def __str__(self) -> str:
        if self.error is not None:
            return f"{self.base}  ✗ {self.kind}: {self.error}"
        found = [f"{number:,} {what}" for what, number in self.found.items()]
        did = "done before" if self.before else f"{self.seconds:.1f} s"
        return "  ".join([self.base, did, *found, f"→ {self._files() or 'no file'}"])

    def html(self, thumbnail: str = "") -> str:
        """Return a row of a table."""
        found = ", ".join(f"{number:,} {what}" for what, number in self.found.items())
        end = self._files() if self.error is None else f"✗ {self.kind}: {self.error}"
        cells = (self.base, f"{self.seconds:.1f}", found, end)
        return f"<tr><td>{thumbnail}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"

    def _files(self) -> str:
        """Name the products, the first with its folder, others in the same folder by what differs."""
        first, *others = self.products or (Path(),)
        same = f"{self.base}_"
        short = [path.name.removeprefix(same[:-1]) if path.parent == first.parent else str(path) for path in others]
        return ", ".join([str(first), *short]) if self.products else ""


@dataclass(frozen=True)
class RunReport:
    """What became of all exposures, in order; as text, one line that names those that failed."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    untried: int = 0
    """Exposures that were not begun, since an earlier one had failed."""

    @property
    def done(self) -> list[Outcome]:
        """The exposures that are calibrated."""
        return [outcome for outcome in self.outcomes if outcome.error is None]

    @property
    def before(self) -> list[Outcome]:
        """Those of them whose products an earlier run has made from the same."""
        return [outcome for outcome in self.done if outcome.before]

    @property
    def failed(self) -> list[Outcome]:
        """The exposures that are not."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    def raise_errors(self) -> None:
        """Raise what failed: the error of the only exposure, or `ExposureErrors`."""
        errors = [outcome.error for outcome in self.failed if outcome.error is not None]
        if self._is_only and errors:
            raise errors[0]
        if errors:
            raise exposures_failed(errors, len(errors), len(self.outcomes))

    @property
    def exit_status(self) -> int:
        """Return the status of ``gpipe run``: that of the error of an only exposure, 7 if some of several failed."""
        if self._is_only and self.outcomes[0].error is not None:
            return status_of(self.outcomes[0].error)
        return ExposureErrors.exit_status if self.failed else 0

    @property
    def _is_only(self) -> bool:
        return len(self.outcomes) + self.untried == 1

    def totals(self) -> dict[str, Any]:
        """Return the numbers of exposures done (before, too) and failed, the seconds and the exit status."""
        return {
            "done": len(self.done),
            "done_before": len(self.before),
            "failed": len(self.failed),
            "seconds": self.seconds,
            "exit_status": self.exit_status,
        }

    def __repr__(self) -> str:
        return f"RunReport({str(self).splitlines()[-1]})"

    def _repr_html_(self) -> str:
        """Make a table of the exposures for notebooks; the first ones have a thumbnail of their first product."""
        from gpipe.quicklook.thumbnail import thumbnail_of_file

        drawn = [one.products[0] for one in self.done if one.products][:MOST_THUMBNAILS]
        images = {path: thumbnail_of_file(path) for path in drawn}
        rows = "".join(one.html(images.get(next(iter(one.products), Path()), "")) for one in self.outcomes)
        heads = "".join(f"<th>{head}</th>" for head in ("", "exposure", "seconds", "found", "products or error"))
        return f"<div>{escape(str(self).splitlines()[-1])}<table><tr>{heads}</tr>{rows}</table></div>"

    def save_pictures(self) -> list[Path]:
        """Draw the first product of each exposure into a PNG beside it."""
        from gpipe.quicklook import look

        drawn = [outcome.products[0] for outcome in self.done if outcome.products]
        for path in drawn:
            look(path, path=path.with_suffix(".png"))
        return [path.with_suffix(".png") for path in drawn]

    def __str__(self) -> str:
        whole = f"{len(self.done)} of {len(self.outcomes) + self.untried} done in {self.seconds:.0f} s"
        whole += f" ({len(self.before)} before)" if self.before else ""
        failed = ", ".join(f"{one.base} ({one.kind})" for one in self.failed)
        return whole + (f", {len(self.failed)} failed: {failed}" if failed else "")
