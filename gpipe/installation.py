"""Facts for a report of a problem: versions, backends, native kernels."""

import importlib.util
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import gpipe
from gpipe.exceptions import BackendError, ReferenceFileError

PACKAGES = (
    "numpy",
    "astropy",
    "asdf",
    "crds",
    "stdatamodels",
    "array-api-compat",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "jwst",
)
VARIABLES = (
    "GPIPE_BACKEND",
    "GPIPE_NATIVE",
    "GPIPE_NATIVE_LIBRARY",
    "GPIPE_PLAIN_IMPORTS",
    "GPIPE_SYNC",
    "CRDS_PATH",
    "CRDS_SERVER_URL",
    "CRDS_CONTEXT",
)


@dataclass(frozen=True)
class Info:
    """This installation of gpipe; as text, a line for each fact.

    Attributes
    ----------
    versions : of gpipe, of Python and of the packages that are installed.
    platform : operating system and processor.
    cores : cores that this process may use.
    memory : the tightest limit that holds for this process.
    context : the CRDS context in force, or why there is none.
    kernels : which native kernels are in use for NumPy, or why none.
    gpu : whether CuPy is installed.
    environment : the variables that gpipe looks at, as far as they are set.
    """

    versions: dict[str, str]
    platform: str
    cores: int
    memory: str
    context: str
    kernels: str
    gpu: str
    environment: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name} {number}" for name, number in self.versions.items()]
        lines += [
            f"platform: {self.platform}, {self.cores} cores",
            f"memory: {self.memory}",
            f"CRDS context: {self.context}",
            f"native kernels: {self.kernels}",
            f"GPU: {self.gpu}",
        ]
        return "\n".join([*lines, *(f"{name}={value}" for name, value in self.environment.items())])


def info() -> Info:
    """Collect the facts. No GPU is touched for them."""
    from gpipe.controller.plan.threads import cores_of_this_process

    installed = {"gpipe": gpipe.__version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    has_cupy = importlib.util.find_spec("cupy") is not None
    return Info(
        versions=installed,
        platform=f"{platform.platform()}, {platform.machine()}, {sys.implementation.name}",
        cores=cores_of_this_process(),
        memory=_memory(),
        context=_context(),
        kernels=_kernels(),
        gpu="CuPy is installed" if has_cupy else "CuPy is not installed",
        environment={name: os.environ[name] for name in VARIABLES if os.environ.get(name)},
    )


def _memory() -> str:
    from gpipe.controller.plan.machine import memory_limits, tightest
    from gpipe.controller.plan.memory import format_bytes

    found = tightest(memory_limits())
    return f"{format_bytes(found.limit)} ({found.source})"


def _context() -> str:
    from gpipe.controller.references import crds_client

    try:
        return crds_client.context()
    except ReferenceFileError as error:
        return f"none ({error})"


def _kernels() -> str:
    from gpipe.kernels.native import library

    try:
        if library.mode() == "never":
            return "none (GPIPE_NATIVE=0): portable functions"
        found = library.load()
    except BackendError as error:
        return f"none ({error})"
    if refusal := library.refusal():
        return f"none ({refusal}): portable functions, which are slower"
    return f"{found.variants[-1]} of {found.path}"
