"""Correction of inter-pixel capacitance: the signal of a pixel that appears in its neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.arrays.rows import row_slices


@dataclass(frozen=True)
class Border:
    """Rows and columns of reference pixels at the edges of an image; row 0 is at the bottom."""

    bottom: int = 0
    top: int = 0
    left: int = 0
    right: int = 0


def correct_ipc(data: Array, kernel: Array, *, border: Border) -> Array:
    """Convolve every group with the deconvolution kernel ``k``, reference pixels left out.

    ``out[y, x] = sum over (j, i) of k[j, i] S[y + J - j, x + I - i]`` with the kernel's middle at ``(J, I)``. Samples
    outside of the image and reference pixels count as 0, and reference pixels keep their values.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN spreads over the kernel's reach.
    kernel : float32, of odd size: (kernel row, kernel column), or (kernel row, kernel column, row, column) if every
        output pixel has a kernel of its own.
    border : reference pixels at the edges of ``data``.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/ipc/description.html
    """
    xp = array_namespace(data, kernel)
    if any(size % 2 == 0 for size in kernel.shape[:2]):
        raise ValueError(f"an IPC kernel has a middle: its size must be odd, found {kernel.shape[:2]}")
    pixels = inside(data.shape[-2:], border)
    if len(kernel.shape) == 4:
        kernel = kernel[:, :, pixels[0], pixels[1]]
    out = xp.astype(data, data.dtype, copy=True)
    for i in range(data.shape[0]):
        for g in range(data.shape[1]):
            out[i, g, *pixels] = _convolve(data[i, g, *pixels], kernel, xp=xp)
    return out


def correct_interleaved(data: Array, kernel: Array, *, border: Border, places: Sequence[int]) -> Array:
    """`correct_ipc` of the normal pixels of NIRSpec IRS2 readout, which are neighbours across reference pixels.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, with the rows of reference pixels, which keep their values.
    kernel, border : for the normal pixels.
    places : the rows that are normal pixels of the detector's outputs, in order.
    """
    xp = array_namespace(data, kernel)
    number = {place: k for k, place in enumerate(places)}
    rows = data.shape[-2]
    sources = [rows + number[row] if row in number else row for row in range(rows)]
    normal, joined = (xp.asarray(x, dtype=xp.int64, device=device(data)) for x in (places, sources))
    out = xp.empty_like(data)
    for i in range(data.shape[0]):
        for g in range(data.shape[1]):
            image = data[i, g, ...]
            corrected = correct_ipc(xp.take(image, normal, axis=0)[None, None, ...], kernel, border=border)
            out[i, g, ...] = xp.take(xp.concat([image, corrected[0, 0, ...]]), joined, axis=0)
    return out


def inside(shape: tuple[int, int], border: Border) -> tuple[slice, slice]:
    """The rows and columns of an image of this shape that are no reference pixels."""
    rows, columns = shape
    return _between(border.bottom, rows, border.top), _between(border.left, columns, border.right)


def _between(first: int, total: int, last: int) -> slice:
    start = min(first, total)
    return slice(start, max(start, total - last))


def _convolve(image: Array, kernel: Array, *, xp: Namespace) -> Array:
    """The convolution of one image with 0 around it; the middle, largest term is added last to lose no digits."""
    tall, wide = kernel.shape[:2]
    middle = (tall // 2, wide // 2)
    terms = [(j, i) for j in range(tall) for i in range(wide) if (j, i) != middle]
    padded = _pad(image, *middle, xp=xp)
    out = xp.empty_like(image)
    for rows in row_slices(image):
        total = xp.zeros_like(image[rows, :])
        for j, i in (*terms, middle):
            shifted = padded[rows.start + tall - 1 - j : rows.stop + tall - 1 - j, wide - 1 - i :][:, : image.shape[1]]
            weight = kernel[j, i] if len(kernel.shape) == 2 else kernel[j, i, rows, :]
            total += weight * shifted
        out[rows, :] = total
    return out


def _pad(image: Array, tall: int, wide: int, *, xp: Namespace) -> Array:
    rows, columns = image.shape
    padded = xp.zeros((rows + 2 * tall, columns + 2 * wide), dtype=image.dtype, device=device(image))
    padded[tall : tall + rows, wide : wide + columns] = image
    return padded
