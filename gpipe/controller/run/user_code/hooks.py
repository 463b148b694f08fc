"""Hooks: what a user has run on the exposure before or after a step.

A hook is one of

- a function, or its dotted path as text (``"mymodule.clip"``): it gets a ``stdatamodels`` model with NumPy arrays of
  its own, may change it, and may return another one in its place;
- a Step, its class, or the dotted path of its class, also with arguments (``"mymodule.Clip(level=3)"``). One of jwst's
  kind gets a model, as a function does;
- any other text: a shell command, in which ``{0}`` stands for a file with the exposure. Write it by itself, with quotes
  around it or without: gpipe quotes the path as the shell needs it. Inside a longer quoted text it is not quoted again.
"""

import ast
import importlib
import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpipe.controller.declaration.step_base import StepBase
from gpipe.datamodels import Exposure, open_exposure, to_model, write
from gpipe.exceptions import GpipeError, InputError, ParameterError

RunStep = Callable[[StepBase, Any], Any]

HOOKS = ("pre_hooks", "post_hooks")
EXPECTED = "a function, a Step (class or instance) or a shell command"

_FILE = re.compile(r"""(["']?)\{0\}\1""")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(\(.*\))?")


def check_hooks(step: StepBase) -> None:
    """Refuse, before any work, hooks of a step that are nothing to run: ParameterError."""
    for parameter in HOOKS:
        for given in getattr(step, parameter):
            _resolved(given, f"{step.label}.{parameter}")


def apply_hooks(step: StepBase, parameter: str, exposure: Any, run_step: RunStep) -> Any:
    """Apply the hooks in ``pre_hooks`` or ``post_hooks`` of a step to an exposure; ``run_step`` runs those of steps.

    GpipeError: a hook returns something else than one exposure or None, or a command fails.
    """
    where = f"{step.label}.{parameter}"
    for given in getattr(step, parameter):
        hook = _resolved(given, where)
        if isinstance(hook, StepBase):
            exposure = _one(run_step(hook, exposure), f"{where}: hook {_name(given)}")
        elif isinstance(hook, str):
            _run_command(hook, exposure, where, step.name)
        else:
            exposure = _changed(hook, exposure, f"{where}: hook {_name(given)}")
    return exposure


def _name(given: Any) -> str:
    return given if isinstance(given, str) else str(getattr(given, "__qualname__", type(given).__qualname__))


def _resolved(given: Any, where: str) -> StepBase | Callable[[Any], Any] | str:
    if isinstance(given, str) and not _DOTTED.fullmatch(given.strip()):
        return given
    found = _imported(given.strip(), where) if isinstance(given, str) else given
    if _is_step(found):
        found = found() if isinstance(found, type) else found
        return found if isinstance(found, StepBase) else _run_of_jwst(found)
    if isinstance(found, type) or not callable(found):
        raise ParameterError.at(where, repr(found), EXPECTED)
    hook: Callable[[Any], Any] = found
    return hook


def _is_step(found: Any) -> bool:
    """Tell whether something is a step, of gpipe or of jwst's kind, or the class of one."""
    return all(callable(getattr(found, method, None)) for method in ("run", "process"))


def _run_of_jwst(step: Any) -> Callable[[Any], Any]:
    run: Callable[[Any], Any] = step.run
    return run


def _imported(text: str, where: str) -> Any:
    path, bracket, arguments = text.partition("(")
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
        return found(**_keywords(bracket + arguments)) if bracket else found
    except (ImportError, AttributeError, ValueError, SyntaxError, TypeError) as error:
        raise ParameterError(f"{where}: {text!r} cannot be imported ({error})") from error


def _keywords(arguments: str) -> dict[str, Any]:
    """The literal keyword arguments in ``(name=value, ...)``."""
    call = ast.parse(f"f{arguments}", mode="eval").body
    if not isinstance(call, ast.Call) or call.args:
        raise ValueError("arguments must be name=value")
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


def _changed(hook: Callable[[Any], Any], exposure: Exposure, where: str) -> Exposure:
    # A copy, so that a hook that writes into the arrays cannot reach those of the caller's input.
    model = to_model(exposure).copy()
    returned = hook(model)
    result = model if returned is None else _one(returned, where)
    try:
        return open_exposure(result, exposure.backend)
    except InputError as error:
        found = type(result).__qualname__
        raise GpipeError(
            f"{where}: found {found} as result, expected a model of an exposure, or None ({error})"
        ) from None


def _one(result: Any, where: str) -> Any:
    if isinstance(result, list | tuple):
        found = f"{len(result)} results" if len(result) > 1 else f"a {type(result).__name__}"
        raise GpipeError(f"{where}: found {found}, expected one model, or None")
    return result


def _run_command(command: str, exposure: Exposure, where: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = command
        if "{0}" in command:
            # A folder for temporary files may have a space in its name; quotes of the user's own are taken along.
            quoted = shlex.quote(str(write(to_model(exposure), Path(folder, f"{name}.0000.fits"), lasting=False)))
            text = _FILE.sub(lambda _: quoted, command)
        done = subprocess.run(text, shell=True, check=False)
    if done.returncode:
        raise GpipeError(f"{where}: {command!r} returned status {done.returncode}, expected 0")
