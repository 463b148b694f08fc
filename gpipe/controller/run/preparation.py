"""Preparation of a run: all that can be refused is refused before a pixel is read."""

import logging
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gpipe.controller.declaration.step_base import StepBase
from gpipe.controller.inputs import Job
from gpipe.controller.products.saving import Saver, check_folder
from gpipe.controller.references.absent import must_not_lack, refuse_without
from gpipe.controller.references.resolution import Resolution, resolve
from gpipe.controller.reporting.records import note
from gpipe.controller.run.record import RunRecord, output_levels
from gpipe.controller.run.user_code.hooks import check_hooks
from gpipe.datamodels import Header, crds_parameters
from gpipe.exceptions import InputError

log = logging.getLogger(__name__)


def announce(top: StepBase, steps: Sequence[StepBase], record: RunRecord) -> None:
    """Log the parameters that are not defaults, and refuse hooks and folders that are not usable."""
    everyone = [top, *(step for step in steps if step is not top)]
    _log_parameters(everyone)
    _warn_of_deprecated(everyone)
    if top.skip and top.substeps():
        log.warning("%s: skip has no effect on a pipeline", top.name)
    for step in (step for step in everyone if not record.skips(step)):
        check_hooks(step)
        if output_levels(step)[0].saves:
            check_folder(output_levels(step))


def saver_of(job: Job, header: Header) -> Saver:
    """Make the saver of a job; it claims no name yet."""
    name = job.file_name or input_name(header)
    return Saver(name, uses_output_file=not job.one_of_several, claims=job.claims, owner=job.owner)


def resolved(steps: Sequence[StepBase], header: Header, record: RunRecord) -> Resolution:
    """Find the references of the steps that run on an exposure."""
    running = [step for step in steps if not record.skips(step)]
    wanted, overrides = needs(running, header.meta)
    return resolve(wanted, crds_parameters(header), overrides, header.meta, header.name)


def needs(running: Sequence[StepBase], meta: Any) -> tuple[dict[str, Sequence[str]], dict[str, Mapping[str, Any]]]:
    """List by step the types of references that steps need for an exposure, and by type those that are given."""
    overrides = {s.name: s.given_references(meta) for s in running}
    return {s.name: s.wanted_references(meta) if s.is_for(meta) else () for s in running}, overrides


def input_name(header: Header) -> str | None:
    """Return the name that products are named after: the path of the input, or the name in its metadata."""
    return header.name if os.path.exists(header.name) else header.meta.filename


def check(exposures: Iterable[tuple[Sequence[StepBase], Any, RunRecord]]) -> None:
    """Refuse what steps cannot do: of each exposure the steps, the metadata and the record of its references."""
    needs = []
    for steps, meta, record in exposures:
        for step in (step for step in steps if not record.skips(step) and step.is_for(meta)):
            references = record.references(step)
            needs.append((step, references))
            if not must_not_lack(step, references):
                step.check(meta, references)
            record.companions.only(step.companions).find()
    refuse_without(needs)


def check_header_values(top: StepBase, steps: Sequence[StepBase], header: Header, record: RunRecord) -> None:
    """Refuse an exposure whose name or metadata cannot be written into a FITS header, where its results are."""
    levels = [output_levels(step)[0] for step in (top, *steps) if not record.skips(step)]
    saved = any(level.saves and level.output_ext in (None, ".fits", "fits") for level in levels)
    if not (saved or any(top.suffix_before(step.name) for step in steps)):
        return
    from gpipe.datamodels.files.metadata import no_header_value

    values = no_header_value(header.model)
    values.pop("meta.filename", None)
    name = os.path.basename(input_name(header) or "")
    if not (top.output_file or (name.isascii() and name.isprintable())):
        values["the file name"] = name
    for place, value in values.items():
        kind = "printable ASCII" if isinstance(value, str) else "a finite number"
        wanted = f"{kind}, as FITS headers hold nothing else (or output_file, output_ext='.asdf')"
        raise InputError(f"{header.name}: found {value!r} for {place}; expected {wanted}")


def _log_parameters(steps: Iterable[StepBase]) -> None:
    """Log a short line for each step that has values other than its defaults."""
    for step in steps:
        changed = [
            f"{name}={_text(getattr(step, name))} ({step.origin(name)})"
            for name, declared in step.parameters().items()
            if getattr(step, name) != declared.default()
        ]
        if changed:
            note(log, "Parameters of %s: %s", step.name, ", ".join(changed))


def _warn_of_deprecated(steps: Iterable[StepBase]) -> None:
    for step in steps:
        for name, declared in step.parameters().items():
            if declared.deprecated and getattr(step, name) != declared.default():
                warnings.warn(declared.deprecated, DeprecationWarning, stacklevel=2)
                log.warning("%s", declared.deprecated)


def _text(value: Any) -> str:
    """Return a value as text: a user's object that cannot say what it is ends no run."""
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
