"""The ipc step."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe.arrays import Array
from gpipe.arrays.detector import EDGE
from gpipe.controller import Block, Cut, Ref, References, Skip, Step, Work
from gpipe.datamodels import Described, Ramp, Reference, Window, full_frame
from gpipe.datamodels.exposures.instruments import is_miri
from gpipe.datamodels.exposures.window import StripedWindow
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.ipc.ipc import Border, correct_interleaved, correct_ipc


class IPCStep(Step):
    """Undo inter-pixel capacitance: give back to every pixel what its neighbours show of its signal."""

    alias = "ipc"
    references = (Ref("ipc"),)
    after = ("dq_init", "saturation")
    cut = Cut(Block.PIXELS, writes=("data",))

    def check(self, meta: Any, references: References) -> None:
        kernel = references.get("ipc")
        if kernel is not None:
            check_kernel(kernel)

    def halo(self, meta: Any, references: References) -> int:
        """Return half the size of the kernel, without its middle."""
        return max(references["ipc"].shape("data")[:2]) // 2

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        if isinstance(outline.window, StripedWindow):
            raise Skip("neighbours in a multistripe array are not always neighbours on the detector")
        ipc, backend = references["ipc"], outline.backend
        one = backend.to_device(ipc.read("data")) if len(ipc.shape("data")) == 2 else None

        def apply(chunk: Ramp) -> Ramp:
            correct, window = _function(chunk)
            kernel = kernels_of(ipc, chunk, window) if one is None else one
            return replace(chunk, data=correct(chunk.data, kernel, border=reference_border(chunk.meta, window)))

        return Work(apply)


def kernels_of(ipc: Reference, chunk: Ramp, window: Window) -> Array:
    """Return the kernel of each pixel of a window, which is that of the chunk's normal pixels."""
    return ipc.cached("kernels", chunk, lambda: chunk.backend.to_device(ipc.read("data", window=window)))


def _function(chunk: Ramp) -> tuple[Callable[..., Array], Window]:
    """Return the function that corrects the chunk, and the window of its normal pixels."""
    if not chunk.is_interleaved:
        return chunk.backend.native(correct_ipc), chunk.window
    places, window = chunk.normal_pixels()
    return partial(chunk.backend.native(correct_interleaved), places=places), window


def check_kernel(ipc: Reference) -> None:
    """Refuse a kernel that has no middle, or that is neither one for all pixels nor one for each."""
    shape = ipc.shape("data")
    if len(shape) not in (2, 4) or any(size % 2 == 0 for size in shape[:2]):
        raise ReferenceFileError(
            f"ipc reference {ipc.name}: found a kernel of shape {shape}; "
            "expected (rows, columns) or (rows, columns, detector rows, detector columns), rows and columns odd"
        )


def reference_border(meta: Any, window: Window) -> Border:
    """Count the rows and columns of reference pixels at the edges of a window; MIRI has them left and right."""
    detector = full_frame(meta.instrument.name)
    if detector is None:
        raise InputError(f"ipc: found instrument {meta.instrument.name}; expected one of JWST's")
    first_row, first_column = window.ystart - 1, window.xstart - 1
    above = detector.ysize - (first_row + window.ysize)
    beyond = detector.xsize - (first_column + window.xsize)
    rows = 0 if is_miri(meta) else EDGE
    return Border(
        bottom=max(0, rows - first_row),
        top=max(0, rows - above),
        left=max(0, EDGE - first_column),
        right=max(0, EDGE - beyond),
    )
