"""``correct_linearity`` as one kernel: all samples of a pixel in one thread, its frames rebuilt in registers."""

from array_api_compat import array_namespace, device

from gpipe import dq
from gpipe.arrays import Array
from gpipe.arrays.precision import all_float32
from gpipe.kernels.cuda import sources
from gpipe.linearity.coefficients import evaluate, usable_polynomial
from gpipe.linearity.linearity import Linearized
from gpipe.linearity.linearity import correct_linearity as portable


def correct_linearity(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    coeffs: Array,
    coeffs_dq: Array,
    *,
    inverse: Array | None = None,
    nframes: int = 1,
    zeroframe: Array | None = None,
) -> Linearized:
    """See ``gpipe.linearity.linearity.correct_linearity``, which does types other than float32."""
    if not all_float32(data, coeffs, inverse, zeroframe):
        arrays = (data, groupdq, pixeldq, coeffs, coeffs_dq)
        return portable(*arrays, inverse=inverse, nframes=nframes, zeroframe=zeroframe)
    xp = array_namespace(data, groupdq, pixeldq, coeffs, coeffs_dq, inverse, zeroframe)
    if nframes == 1 or data.shape[1] == 1:
        inverse = None
    forward = usable_polynomial(coeffs, coeffs_dq)
    backward = None if inverse is None else usable_polynomial(inverse, coeffs_dq)
    unusable = forward.unusable if backward is None else forward.unusable | backward.unusable
    integrations, groups, rows, columns = data.shape
    out = xp.empty(data.shape, dtype=data.dtype, device=device(data))
    sources.launch(
        "linearity",
        "correct_linearity",
        rows * columns,
        *(sources.contiguous(x) for x in (data, groupdq, forward.coeffs)),
        None if backward is None else sources.contiguous(backward.coeffs),
        *(coeffs.shape[0], 0 if inverse is None else inverse.shape[0]),
        *(integrations, groups, rows * columns, nframes, out),
    )
    flags = pixeldq | coeffs_dq | xp.astype(unusable, pixeldq.dtype) * dq.NO_LIN_CORR
    zero = None if zeroframe is None else xp.where(zeroframe == 0, 0.0, evaluate(forward.coeffs, zeroframe))
    return Linearized(data=out, pixeldq=flags, zeroframe=zero)
