"""Weights of the reference signals of IRS2 readout, by frequency."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array


@dataclass(frozen=True)
class Weights:
    """Weights of the reference output (``alpha``) and of the reference pixels (``beta``) in each of four outputs.

    complex64, (output, frequency) for the frequencies 0 … n/2 of a stream of n pixel times. The other half follows from
    streams being real.
    """

    alpha: Array
    beta: Array


def half_spectrum(table: Array) -> Array:
    """The part of tabulated weights that acts on a real stream and leaves it real.

    With w(f) for all n frequencies, Re F⁻¹[w F x] = F⁻¹[h F x] for real x and h(f) = (w(f) + conj w(n - f))/2.

    Parameters
    ----------
    table : float32, (output, 2n): real and imaginary part of each frequency in turn, as the refpix reference has them.

    Returns
    -------
    complex64, (output, n/2 + 1).
    """
    xp = array_namespace(table)
    real, imaginary = table[..., 0::2], table[..., 1::2]
    last = real.shape[-1] // 2 + 1

    def mirrored(x: Array) -> Array:
        return xp.concat([x[..., :1], xp.flip(x, axis=-1)[..., : last - 1]], axis=-1)

    even = 0.5 * (real[..., :last] + mirrored(real))
    odd = 0.5 * (imaginary[..., :last] - mirrored(imaginary))
    return xp.astype(even, xp.complex64) + 1j * xp.astype(odd, xp.complex64)
