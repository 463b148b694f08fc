"""Weights of the reference signals of IRS2 readout, by frequency."""

from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.fourier import arranged
from gpipe.arrays.rows import row_slices


@dataclass(frozen=True)
class Weights:
    """Weights of the reference output (``alpha``) and of the reference pixels (``beta``) in each of four outputs.

    complex64, (output, r, c): for the frequencies of a stream in the arrangement of `Fourier`, see `weights_of_real`.
    """

    alpha: Array
    beta: Array


def weights_of_real(table: Array) -> Array:
    """The part of tabulated weights that acts on a real stream and leaves it real.

    With w(f) for all n frequencies, Re F⁻¹[w F x] = F⁻¹[h F x] for real x and h(f) = (w(f) + conj w(n - f))/2.

    Parameters
    ----------
    table : float32, (output, 2n): real and imaginary part of each frequency in turn, as the refpix reference has them.

    Returns
    -------
    complex64, (output, r, c), as `arranged`.
    """
    xp = array_namespace(table)
    real, imaginary = table[..., 0::2], table[..., 1::2]

    def mirrored(x: Array) -> Array:
        return xp.concat([x[..., :1], xp.flip(x[..., 1:], axis=-1)], axis=-1)

    even = 0.5 * (arranged(real) + arranged(mirrored(real)))
    odd = 0.5 * (arranged(imaginary) - arranged(mirrored(imaginary)))
    weights = xp.empty(even.shape, dtype=xp.complex64, device=device(table))
    for part in row_slices(even):
        of_part = (..., part, slice(None))
        weights[of_part] = xp.astype(even[of_part], xp.complex64) + 1j * xp.astype(odd[of_part], xp.complex64)
    return weights
