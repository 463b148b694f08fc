"""Lines on a run that can be written before work."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from gpipe import backends
from gpipe.batch.settings import Row, SettledParameters
from gpipe.controller import Step
from gpipe.controller.call import CallOptions
from gpipe.controller.inputs import Job
from gpipe.controller.parameters.origins import Kind
from gpipe.controller.plan import threads
from gpipe.controller.several import HEADERS_HELD
from gpipe.exceptions import GpipeError
from gpipe.references.collecting import Collection

OUTPUT = {"save_results", "output_dir", "output_file", "output_ext", "suffix"}
"""Parameters that say where products go; their lines name them."""


def heading(cls: type[Step], to_do: Sequence[Job], options: CallOptions) -> list[str]:
    """Make a line on the whole, and one for each parameter that the user gives. GpipeError: an option is wrong.

    References, and what CRDS says of parameters, are told of a short list, whose headers stay in memory.
    """
    backend, count = backends.get(options.backend).name, len(to_do)
    cores = threads.of_steps(())
    where = f"{backend}, {cores} thread{'s' * (cores > 1)}" if backend == "numpy" else backend
    settled = SettledParameters(cls, None, options)
    given = [row for row in settled.rows(changed=True) if row.origin.by_user and row.name not in OUTPUT]
    found = _collected(cls, to_do if count <= HEADERS_HELD else (), options)
    whole = [f"{count} exposure{'s' * (count > 1)}", cls.alias or cls.__name__, where, _references(found)]
    lines = [_line(row, _of_crds(found, row), count, settled.chain(row.name)[-1][1]) for row in given]
    return [" · ".join(filter(None, whole)), *lines]


def _collected(cls: type[Step], to_do: Sequence[Job], options: CallOptions) -> Collection:
    """Collect references and parameter files. What is wrong with an exposure is told when its turn comes."""
    collection = Collection(cls, options)
    for job in to_do:
        with suppress(GpipeError):
            collection.add(job.science)
    return collection


def _references(found: Collection) -> str:
    with suppress(GpipeError):
        return found.summary()
    return ""


def _of_crds(found: Collection, row: Row) -> Counter[str]:
    """Count the exposures for each value of a parameter that CRDS files give, where it is not that of the user."""
    counts: Counter[str] = Counter()
    step, _, parameter = row.name.rpartition(".")
    for whole, exposures in found.as_in_crds():
        owner = whole.steps[step] if step else whole
        value = getattr(owner, parameter)
        if owner.origin(parameter).kind is Kind.CRDS and value != row.value:
            counts[_text(value)] += exposures
    return counts


def _line(row: Row, of_crds: Counter[str], count: int, default: Any) -> str:
    says = f"the default is {_text(default)}"
    if of_crds:
        each = [f"{value}{f' for {some} of them' * (some < count)}" for value, some in of_crds.most_common()]
        says = f"CRDS says {', '.join(each)}"
    return f"{row.name} = {_text(row.value)} (given; {says})"


def _text(value: Any) -> str:
    """Return a value as text, without what an object tells of its place in memory."""
    return repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
