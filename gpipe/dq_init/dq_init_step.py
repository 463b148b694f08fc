"""The dq_init step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gpipe.arrays.interleaved import FRAME_ROWS
from gpipe.controller import Block, Cut, Ref, References, Step, Work
from gpipe.controller import parameters as p
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import is_irs2
from gpipe.datamodels.files.warnings import first_line
from gpipe.dq_init.dq_init import join_flags
from gpipe.exceptions import ParameterError
from gpipe.user_files import RegularFile


class DQInitStep(Step):
    """Flag pixels that are known to be bad."""

    alias = "dq_init"
    references = (Ref("mask"),)
    cut = Cut(Block.PIXELS, writes=("groupdq", "pixeldq"))

    user_supplied_dq = p.Path(None, help="FITS file with an image of flags, in JWST bit values, to add to the mask.")

    def check(self, meta: Any, references: References) -> None:
        if self.user_supplied_dq is not None:
            rows = FRAME_ROWS if is_irs2(meta) else meta.subarray.ysize
            read_user_flags(self.user_supplied_dq, (rows, meta.subarray.xsize))

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        flags = None
        if self.user_supplied_dq is not None:
            flags = read_user_flags(self.user_supplied_dq, tuple(outline.shape[-2:]))

        def apply(chunk: Ramp) -> Ramp:
            here = chunk.rows or slice(None), chunk.columns or slice(None)
            user_mask = None if flags is None else chunk.backend.to_device(flags[here])
            mask = references["mask"].plane("dq", chunk)
            found = chunk.backend.native(join_flags)(chunk.pixeldq, chunk.groupdq, mask, user_mask=user_mask)
            return replace(chunk, pixeldq=found.pixeldq, groupdq=found.groupdq)

        return Work(apply)


def read_user_flags(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """The first image of a FITS file as uint32 flags of this (row, column) shape.

    Raises
    ------
    ParameterError
        The file is missing or no FITS file, or has no such image of whole numbers.
    """
    from astropy.io import fits

    try:
        with RegularFile(path).reader() as file:
            values = fits.getdata(file)
    except Exception as error:  # what astropy raises for one damaged header or another
        found = first_line(error)
        raise ParameterError(f"user_supplied_dq {path}: found {found}; expected a FITS file with an image") from error
    if values is None or values.dtype.names or values.shape != shape:
        found = "no image" if values is None or values.dtype.names else f"shape {values.shape}"
        raise ParameterError(f"user_supplied_dq {path}: found {found}; expected an image of shape {shape}")
    if values.dtype.kind not in "iu" and not np.array_equal(values, np.floor(values)):
        raise ParameterError(f"user_supplied_dq {path}: found fractions or NaN; expected flags, whole numbers")
    if not ((values >= -(1 << 31)) & (values < 1 << 32)).all():
        raise ParameterError(f"user_supplied_dq {path}: found numbers of more than 32 bits; expected flags of 32")
    return values.astype(np.int64).astype(np.uint32)
