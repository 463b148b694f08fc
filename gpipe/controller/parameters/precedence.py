"""Precedence of the values of a parameter: layers of settings, lowest rank first.

1. the declaration of the step
2. CRDS: the ``pars-<class>`` file of each step, then that of the pipeline
3. ``config_file``: the files that its steps name as their own ``config_file``, then what the file itself says
4. ``steps={name: {'config_file': ...}}``
5. keywords, and the other keys of ``steps``

A layer that does not mention a parameter leaves the value of the layer below it.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpipe.controller.parameters import types as p
from gpipe.controller.parameters.file_format import file_path
from gpipe.controller.parameters.files import Declared, file_layers, in_step, step_file_layers
from gpipe.controller.parameters.origins import KEYWORD, Kind, Settings
from gpipe.exceptions import ParameterError

log = logging.getLogger(__name__)

DISABLING_WORDS = (*p.TRUE_WORDS, "t", "y")


def crds_parameters_disabled() -> bool:
    """Tell whether ``STPIPE_DISABLE_CRDS_STEPPARS`` is set to true, in any of its spellings."""
    return os.environ.get("STPIPE_DISABLE_CRDS_STEPPARS", "").strip().lower() in DISABLING_WORDS


def parameter_file_type(cls: type[Declared]) -> str:
    """The reference type of a step's parameter files in CRDS."""
    return f"pars-{cls.__name__.lower()}"


def layers_from_crds(cls: type[Declared], names: Sequence[str], find: Callable[[str], Path | None]) -> list[Settings]:
    """The layers of CRDS parameter files. What gpipe does not know in them is warned about and left out.

    Parameters
    ----------
    cls : the step or pipeline that is called.
    names : of its substeps, those that the exposure needs.
    find : from the type of a parameter file (``pars-jumpstep``) to the file, or None.
    """
    substeps = cls.substeps()
    layers = []
    for name, wanted in [*((name, substeps[name]) for name in names), (None, cls)]:
        path = find(parameter_file_type(wanted))
        if path is not None:
            log.info("Parameters of %s from CRDS file %s", wanted.__name__, path.name)
            layers += in_step(name, file_layers(wanted, path, Kind.CRDS, _warn))
    return layers


def layers_from_keywords(
    cls: type[Declared], parameters: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]] | None
) -> list[Settings]:
    """The layers of keywords: files that ``steps`` names, then the values."""
    if not isinstance(steps, Mapping | None):
        raise ParameterError.at("steps", repr(steps), "a mapping from the name of a step to its parameters")
    problems: list[str] = []
    files: list[Settings] = []
    values = {}
    for name, given in (steps or {}).items():
        if not isinstance(given, Mapping):
            problems.append(f"steps[{name!r}]: found {given!r}, expected a mapping from parameters to values")
            continue
        values[name] = Settings(KEYWORD, {key: value for key, value in given.items() if key != "config_file"})
        if given.get("config_file") is not None:
            files += step_file_layers(cls, name, file_path(given["config_file"]), problems.append)
    p.raise_together(problems)
    return [*files, Settings(KEYWORD, parameters, values)]


def _warn(problem: str) -> None:
    log.warning("%s; it is not used", problem)
