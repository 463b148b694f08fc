"""Kernels for the CPU, compiled on command."""

import time

from rich.console import Console

from gpipe.controller.plan import threads
from gpipe.exceptions import BackendError


def compile_now() -> None:
    """Compile what has not been compiled for this machine; a line says what is compiled, another where it is kept."""
    try:
        from gpipe.kernels.cpu import machine_code, numba_code  # noqa: F401
        from gpipe.kernels.cpu.compile import compile_kernels, folder

        machine_code.engine()
    except (ImportError, OSError) as error:
        raise BackendError(f"numba cannot be imported ({error}); expected numba, which compiles the kernels") from None
    console = Console(highlight=False, soft_wrap=True)
    started = time.perf_counter()
    said = "compiling kernels for this machine, once"
    with console.status(said) as status:
        compile_kernels(lambda done, total: status.update(f"{said}: {done} of {total}"), processes=threads.count("all"))
    seconds, kept = time.perf_counter() - started, folder()
    where = f"kept in {kept}" if kept else "not kept: no folder can be written to (set NUMBA_CACHE_DIR)"
    console.print(f"kernels compiled for this machine, once, in {seconds:.1f} s; {where}")
