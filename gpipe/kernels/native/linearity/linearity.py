"""Linearity: ``gpipe.linearity.linearity.correct_linearity``, the coefficients of a pixel read once for all samples."""

from typing import Any

import numpy as np

from gpipe.arrays.precision import all_float32
from gpipe.kernels.native.aligned import aligned
from gpipe.kernels.native.arguments import Function, array, contiguous, output
from gpipe.linearity import linearity
from gpipe.linearity.linearity import Linearized

PITCH, FRAMES_PITCH = 1040, 528
"""Elements of a line of coefficients, and of one where frames are rebuilt: PITCH in C."""

_correct = Function(
    "linearity_correct",
    data=array(np.float32, "integrations groups rows columns", is_optional=True),
    groupdq=array(np.uint8, "integrations groups rows columns", is_optional=True),
    pixeldq=array(np.uint32, "rows columns"),
    coeffs=array(np.float32, "powers rows columns"),
    coeffs_dq=array(np.uint32, "rows columns"),
    zeroframe=array(np.float32, "zeros rows columns", is_optional=True),
    usable=output(np.float32, f"powers {PITCH}"),
    out=output(np.float32, "integrations groups rows columns", is_optional=True),
    flags=output(np.uint32, "rows columns"),
    zero=output(np.float32, "zeros rows columns", is_optional=True),
)
_correct_frames = Function(
    "linearity_correct_frames",
    data=array(np.float32, "integrations groups rows columns"),
    groupdq=array(np.uint8, "integrations groups rows columns"),
    coeffs=array(np.float32, "powers rows columns"),
    coeffs_dq=array(np.uint32, "rows columns"),
    inverse=array(np.float32, "inverse_powers rows columns"),
    usable=output(np.float32, f"powers {FRAMES_PITCH}"),
    usable_inverse=output(np.float32, f"inverse_powers {FRAMES_PITCH}"),
    frames=output(np.float32, f"nframes {FRAMES_PITCH}"),
    out=output(np.float32, "integrations groups rows columns"),
    flags=output(np.uint32, "rows columns"),
)


def correct_linearity(
    data: Any,
    groupdq: Any,
    pixeldq: Any,
    coeffs: Any,
    coeffs_dq: Any,
    *,
    inverse: Any = None,
    nframes: int = 1,
    zeroframe: Any = None,
) -> Linearized:
    """See ``gpipe.linearity.linearity.correct_linearity``, which does other types."""
    if nframes == 1 or data.shape[1] <= 1:
        inverse = None
    fewest = min(x.shape[0] for x in (coeffs, inverse) if x is not None)
    if fewest < 2:
        raise ValueError(f"a linearity polynomial has at least 2 coefficients, found {fewest}")
    floats = all_float32(data, coeffs, inverse, zeroframe)
    if not floats or (groupdq.dtype, pixeldq.dtype, coeffs_dq.dtype) != (np.uint8, np.uint32, np.uint32):
        options = {"inverse": inverse, "nframes": nframes, "zeroframe": zeroframe}
        return linearity.correct_linearity(data, groupdq, pixeldq, coeffs, coeffs_dq, **options)
    samples = (contiguous(data), contiguous(groupdq))
    polynomials = (contiguous(coeffs), contiguous(coeffs_dq))
    out, flags = np.empty(data.shape, np.float32), np.empty(pixeldq.shape, np.uint32)
    given, zero = None, None
    if zeroframe is not None:
        given, zero = contiguous(zeroframe), np.empty(zeroframe.shape, np.float32)
    plain = (*samples, out) if inverse is None else (None, None, None)
    _correct(
        *plain[:2],
        contiguous(pixeldq),
        *polynomials,
        given,
        aligned((len(coeffs), PITCH), np.float32),
        plain[2],
        flags,
        zero,
    )
    if inverse is not None:
        _rebuild(samples, polynomials, contiguous(inverse), nframes, out, flags)
    return Linearized(data=out, pixeldq=flags, zeroframe=zero)


def _rebuild(samples: Any, polynomials: Any, inverse: Any, nframes: int, out: Any, flags: Any) -> None:
    memory = [aligned((number, FRAMES_PITCH), np.float32) for number in (len(polynomials[0]), len(inverse), nframes)]
    _correct_frames(*samples, *polynomials, inverse, *memory, out, flags)
