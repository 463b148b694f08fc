"""A plan as text: a few lines for one exposure, one line for each of several."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from gpipe.controller.plan.facts import PlannedProduct, PlannedStep
from gpipe.controller.plan.memory import format_bytes
from gpipe.controller.plan.run_plan import PlannedSection, RunPlan


def described(plan: RunPlan) -> str:
    """Describe the plan of one exposure: what it is, steps, memory, products and references."""
    return "\n".join(
        [
            headline(plan),
            f"  steps   {' · '.join(_steps(plan.steps))}",
            f"  memory  {_memory(plan)}",
            f"  writes  {', '.join(map(_product, plan.products)) or 'nothing'}",
            f"  reads   {_references(plan)}",
        ]
    )


def headline(plan: RunPlan) -> str:
    """Name the exposure, the pipeline and where it works, in one line."""
    facts = plan.exposure
    shape = " \u00d7 ".join(map(str, plan.shape))
    size = "" if facts.file_bytes is None else f", {format_bytes(facts.file_bytes)}"
    named = [" ".join(filter(None, (facts.instrument, facts.detector))), facts.subarray, facts.readpatt, shape]
    threads = f", {_counted(plan.threads, 'thread')}" if plan.backend == "numpy" else ""
    return f"{plan.name}: {', '.join(filter(None, named))}{size} → {plan.pipeline} on {plan.backend}{threads}"


def totals(plans: Sequence[RunPlan]) -> str:
    """Sum up the plans of several exposures in one line."""
    references = {ref.path: ref.nbytes or 0 for plan in plans for ref in plan.references if ref.path}
    products = [product for plan in plans for product in plan.products]
    replaced = sum(product.replaces is not None for product in products)
    parts = [
        _counted(len(plans), "exposure"),
        f"{format_bytes(max(plan.peak for plan in plans))} of memory at most",
        f"{_counted(len(products), 'product')} of {format_bytes(sum(product.nbytes or 0 for product in products))}",
        *([f"{_counted(replaced, 'file')} replaced"] if replaced else []),
        f"{_counted(len(references), 'reference')} of {format_bytes(sum(references.values()))}",
    ]
    return " · ".join(parts)


def _steps(steps: Iterable[PlannedStep]) -> Iterator[str]:
    """Name the steps in order; those that are skipped one after the other for the same reason have it once."""
    for reason, some in groupby(steps, key=lambda step: step.reason):
        names = [step.name for step in some]
        yield from names if reason is None else [f"{', '.join(names)} \u2013 ({reason})"]


def _memory(plan: RunPlan) -> str:
    largest = max(plan.sections, key=lambda planned: planned.stored + planned.at_work)
    where = "" if plan.backend == "numpy" else " on the device"
    line = f"{format_bytes(plan.peak)} at most{where} ({_section(largest)})"
    if plan.fewer is None:
        return line
    limit = format_bytes(plan.fewer.max_memory).replace(" ", "")
    return f"{line}; `--max-memory {limit}` would do with {_counted(plan.fewer.chunks, 'chunk')}"


def _section(planned: PlannedSection) -> str:
    names = [step.name for step in planned.section.working] or [step.name for step in planned.section.steps]
    span = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    unit = _counted(planned.count, "chunk") if planned.section.is_cut else "the whole exposure"
    return f"{span}: {unit}, {format_bytes(planned.stored + planned.at_work)}"


def _product(product: PlannedProduct) -> str:
    facts = [] if product.nbytes is None else [format_bytes(product.nbytes)]
    facts += [] if product.replaces is None else [f"replaces the one of {product.replaces}"]
    return f"{product.path} ({', '.join(facts)})" if facts else str(product.path)


def _references(plan: RunPlan) -> str:
    files = {ref.path: ref.nbytes or 0 for ref in plan.references if ref.path}
    models = sum(ref.path is None for ref in plan.references)
    found = f"{_counted(len(files), 'reference')}, {format_bytes(sum(files.values()))} in files"
    return found + (f", and {_counted(models, 'open model')}" if models else "")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
