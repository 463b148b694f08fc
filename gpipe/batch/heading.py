"""Lines on a run that can be written before work."""

from typing import Any

from gpipe import backends
from gpipe.batch.settings import Row, SettledParameters
from gpipe.controller import Step
from gpipe.controller.call import CallOptions
from gpipe.controller.plan import threads

OUTPUT = {"save_results", "output_dir", "output_file", "output_ext", "suffix"}
"""Parameters that say where products go; their lines name them."""


def heading(cls: type[Step], count: int, options: CallOptions) -> list[str]:
    """Make a line on the whole, and one for each parameter that the user gives. GpipeError: an option is wrong."""
    backend = backends.get(options.backend).name
    cores = threads.of_steps(())
    where = f"{backend}, {cores} thread{'s' * (cores > 1)}" if backend == "numpy" else backend
    whole = f"{count} exposure{'s' * (count > 1)} · {cls.alias or cls.__name__} · {where}"
    settled = SettledParameters(cls, None, options)
    given = [row for row in settled.rows(changed=True) if row.origin.by_user and row.name not in OUTPUT]
    return [whole, *(_line(row, settled.chain(row.name)[-1][1]) for row in given)]


def _line(row: Row, default: Any) -> str:
    return f"{row.name} = {_text(row.value)} (given; the default is {_text(default)})"


def _text(value: Any) -> str:
    """Return a value as text, without what an object tells of its place in memory."""
    return repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
