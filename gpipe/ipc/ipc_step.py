"""The ipc step."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from gpipe.arrays import Array
from gpipe.arrays.detector import EDGE
from gpipe.arrays.interleaved import is_interleaved
from gpipe.controller import Block, Cut, Ref, References, Skip, Step, Work
from gpipe.datamodels import Described, Reference, full_frame
from gpipe.datamodels.exposures.instruments import is_miri
from gpipe.datamodels.exposures.window import StripedWindow
from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.ipc.ipc import Border, correct_interleaved, correct_ipc


class IPCStep(Step):
    """Undo inter-pixel capacitance: give back to every pixel what its neighbours show of its signal."""

    alias = "ipc"
    references = (Ref("ipc"),)
    after = ("dq_init", "saturation")
    cut = Cut(Block.INTEGRATIONS, writes=("data",))

    def check(self, meta: Any, references: References) -> None:
        kernel = references.get("ipc")
        if kernel is not None:
            check_kernel(kernel)

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        if isinstance(outline.window, StripedWindow):
            raise Skip("neighbours in a multistripe array are not always neighbours on the detector")
        ipc = references["ipc"]
        window = None if len(ipc.shape("data")) == 2 else outline.window
        kernel = outline.backend.to_device(ipc.read("data", window=window))
        border = reference_border(outline.meta)
        correct: Callable[..., Array] = partial(correct_ipc, border=border)
        if is_interleaved(outline.shape):
            reference_first = outline.meta.subarray.fastaxis > 0
            correct = partial(correct_interleaved, border=border, reference_first=reference_first)
        return Work(lambda chunk: replace(chunk, data=correct(chunk.data, kernel)))


def check_kernel(ipc: Reference) -> None:
    """Refuse a kernel that has no middle, or that is neither one for all pixels nor one for each."""
    shape = ipc.shape("data")
    if len(shape) not in (2, 4) or any(size % 2 == 0 for size in shape[:2]):
        raise ReferenceFileError(
            f"ipc reference {ipc.name}: found a kernel of shape {shape}; "
            "expected (rows, columns) or (rows, columns, detector rows, detector columns), rows and columns odd"
        )


def reference_border(meta: Any) -> Border:
    """How many rows and columns of reference pixels an exposure has at each edge; MIRI has them left and right."""
    detector, window = full_frame(meta.instrument.name), meta.subarray
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
