"""Reference-pixel correction of NIRSpec IRS2 readout."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.blocks import for_each
from gpipe.arrays.fourier import Fourier
from gpipe.arrays.interleaved import OUTPUTS
from gpipe.arrays.rows import row_slices
from gpipe.refpix.irs2.interpolation import BandLimited, fill_zeros
from gpipe.refpix.irs2.lines import subtract_line
from gpipe.refpix.irs2.outputs import Outputs
from gpipe.refpix.irs2.samples import counts_of, rise_to_mean
from gpipe.refpix.irs2.streams import in_time_order, reference_stream, times, with_gaps, without_gaps, without_noise
from gpipe.refpix.irs2.weights import Weights
from gpipe.refpix.orientation import Orientation


def correct_irs2(
    data: Array,
    weights: Weights,
    orientation: Orientation,
    *,
    bad_reads: Array | None = None,
    named_reads: Array | None = None,
    levels: Array | None = None,
    keep_reference_pixels: bool = False,
    overwrite: bool = False,
    workers: int = 1,
    native: Callable[[Any], Any] = lambda function: function,
) -> Array:
    """Subtract the noise that normal pixels share with the reference pixels and the reference output.

    Of every integration, with the mean over groups removed from each pixel:

    1. bad reference reads are replaced (`replace_reads`);
    2. a line through the first and last four detector rows of each output and group is subtracted;
    3. the gaps of the reference output are filled (`fill_zeros`, `BandLimited`);
    4. the stream of each output loses F⁻¹[alpha · F(reference output) + beta · F(its reference pixels)].

    A sample equal to the mean of its pixel counts as missing in 2 and 3, as do NaN everywhere; 2 does not change it.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame, with reference pixels. A NaN makes its pixel
        NaN in all groups of the integration.
    weights : for the length of a frame's stream.
    bad_reads, named_reads : bool, (output, block, read), in the order of the rows: those found as outliers, and those
        that a reference names.
    levels : float32, (integration, group, row, 1), DN, subtracted first.
    keep_reference_pixels : return all rows. Interleaved reference pixels of the detector's outputs then lack their
        mean over the groups.
    overwrite : put the result in the place of ``data``, which are lost: a view of some rows of each group.
    workers : threads, of which each has a group at a time; the results do not depend on it.
    native : gives a kernel for a function, or the function, see `Backend.native`.

    Returns
    -------
    float32, (integration, group, row, column): the rows of normal pixels, or all. Errors are unaffected by this step.

    Notes
    -----
    The transforms are made in single precision, as in jwst. Rauscher et al. 2017, PASP 129, 105003;
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
    """
    xp = array_namespace(data, weights.alpha, weights.beta, bad_reads, named_reads, levels)
    outputs = Outputs(
        data.shape[-2], orientation, bad=bad_reads, named=named_reads, keep=keep_reference_pixels, native=native
    )
    rows = outputs.rows(0)
    like = in_time_order(0, orientation.to_detector(data[0, 0, rows, :], xp=xp))
    cleaning = _Cleaning(like, weights, native=native)
    if overwrite:
        corrected = data[:, :, outputs.rows_to_overwrite, :]
    else:
        shape = (*data.shape[:2], outputs.kept_rows, data.shape[-1])
        corrected = xp.empty(shape, dtype=data.dtype, device=device(data))

    def correct(group: int, i: int, integration: _Integration) -> None:
        def samples(output: int) -> Array:
            rows = outputs.rows(output)
            return outputs.samples(output, integration.counts(group, rows), *integration.mean(rows))

        for output, clean in cleaning.clean(samples):
            if output > 0 or keep_reference_pixels:
                kept = outputs.kept(output, clean, *integration.mean(outputs.rows(output)))
                corrected[i, group, outputs.rows_of_result(output), :] = kept
                del kept
            del clean  # its memory is for the next one

    for i in range(data.shape[0]):
        own_levels = None if levels is None else levels[i, ...]
        integration = _Integration(data[i, ...], own_levels, copy=overwrite, workers=workers, native=native)
        for_each(partial(correct, i=i, integration=integration), range(data.shape[1]), workers=workers)
    return corrected


class _Integration:
    """The groups of one integration about their mean.

    Parameters
    ----------
    copy : of the first group, to which all others are compared: it may be overwritten before they are done.
    """

    def __init__(
        self, data: Array, levels: Array | None, *, copy: bool, workers: int, native: Callable[[Any], Any]
    ) -> None:
        self._data, self._levels = data, levels
        self._rise = native(rise_to_mean)(data, levels, workers=workers)
        first = data[:1, ...]
        self._first = array_namespace(data).asarray(first, copy=True) if copy else first

    def mean(self, rows: slice) -> tuple[Array, Array]:
        """Mean over the groups, as the first group and the rise of the mean above it; (row, column)."""
        return counts_of(self._first, self._levels, 0, rows), self._rise[rows, :]

    def counts(self, group: int, rows: slice) -> Array:
        """(row, column), of the data's dtype."""
        return counts_of(self._data, self._levels, group, rows)


class _Cleaning:
    """Takes correlated noise from one group after another; what all groups need is made once.

    Parameters
    ----------
    like : (detector row, pixel): an output of the exposure, in the order of time.
    """

    def __init__(self, like: Array, weights: Weights, *, native: Callable[[Any], Any]) -> None:
        self._weights = weights
        self._subtract_line, self._reference_stream = native(subtract_line), native(reference_stream)
        self._without_noise_of = native(without_noise)
        self._read_at, self._rows = times(like), like.shape[0]
        stream = with_gaps(like)
        self._fourier = Fourier(stream, native=native)
        self._interpolation = BandLimited(stream, self._rows, self._fourier)

    def clean(self, samples: Callable[[int], Array]) -> Iterator[tuple[int, Array]]:
        """The reference output without its line, and without gaps; then the others less their correlated noise.

        With their numbers. Few arrays are held at a time, so that the next group finds the memory of this one.

        Parameters
        ----------
        samples : gives an output of a group, (detector row, pixel) in the order of time, means over groups removed.
        """
        stream = with_gaps(self._subtract_line(samples(0), self._read_at))
        stream = fill_zeros(stream)
        stream = self._interpolation.fill(stream)
        yield 0, without_gaps(stream, self._rows)
        shared = self._fourier.spectrum(stream)
        del stream
        for k in range(OUTPUTS - 1):
            yield k + 1, self._without_noise(self._subtract_line(samples(k + 1), self._read_at), k, shared)

    def _without_noise(self, own: Array, k: int, shared: Array) -> Array:
        alpha, beta = self._weights.alpha[k, ...], self._weights.beta[k, ...]
        noise = self._fourier.spectrum(self._reference_stream(own))
        for part in row_slices(noise):
            noise[part, :] *= beta[part, :]
            noise[part, :] += alpha[part, :] * shared[part, :]
        return self._without_noise_of(own, self._fourier.stream(noise))
