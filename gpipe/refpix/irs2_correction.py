"""Reference-pixel correction of NIRSpec IRS2 readout."""

from collections.abc import Iterator, Sequence
from functools import partial

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.blocks import for_each
from gpipe.arrays.fourier import Fourier
from gpipe.arrays.interleaved import reference_reads, science_rows, with_reference_reads
from gpipe.arrays.rows import row_slices
from gpipe.refpix.irs2_bad_reads import replace_reads
from gpipe.refpix.irs2_interpolation import BandLimited, fill_zeros
from gpipe.refpix.irs2_lines import subtract_line
from gpipe.refpix.irs2_streams import in_columns, in_time_order, reference_stream, times, with_gaps, without_gaps
from gpipe.refpix.irs2_weights import Weights
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
    workers: int = 1,
) -> Array:
    """Subtract the noise that normal pixels share with the reference pixels and the reference output.

    Of every integration, with the mean over groups removed from each pixel:

    1. bad reference reads are replaced (`replace_reads`);
    2. a line through the first and last four detector rows of each output and group is subtracted;
    3. the gaps of the reference output are filled (`fill_zeros`, `BandLimited`);
    4. the stream of each output loses F⁻¹[alpha · F(reference output) + beta · F(its reference pixels)].

    A sample that equals the mean of its pixel counts as missing in 2 and 3, as do NaN everywhere; 2 leaves it as it is.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN, science frame, with reference pixels. A NaN makes its pixel
        NaN in all groups of the integration.
    weights : for the length of a frame's stream.
    bad_reads, named_reads : bool, (output, block, read), in the order of the rows: those that stand out, and those
        that a reference names.
    levels : float32, (integration, group, row, 1), DN, subtracted first.
    keep_reference_pixels : give back all rows. Interleaved reference pixels of the detector's outputs then lack their
        mean over the groups.
    workers : threads, of which each has a group at a time; the results do not depend on it.

    Returns
    -------
    float32, (integration, group, row, column): the rows of normal pixels, or all. Errors are unaffected by this step.

    Notes
    -----
    The transforms are made in single precision, as in jwst. Rauscher et al. 2017, PASP 129, 105003;
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/refpix/description.html
    """
    xp = array_namespace(data, weights.alpha, weights.beta, bad_reads, named_reads, levels)

    def replaced(plane: Array) -> Array:
        """Replacing is linear: it may be done to the mean and to differences from it alike."""
        return plane if bad_reads is None else replace_reads(plane, bad_reads, named=named_reads)

    def correct(group: int, i: int, integration: _Integration, level: Array, corrected: Array) -> None:
        clean = cleaning.clean(replaced(integration.difference(group)))
        normal = clean if keep_reference_pixels else _science_rows(clean, orientation)
        for rows in row_slices(level):
            corrected[i, group, rows, :] = xp.astype(normal[rows, :] + level[rows, :], data.dtype)

    cleaning = _Cleaning(data[0, 0, ...], weights, orientation)
    corrected: Array | None = None
    for i in range(data.shape[0]):
        integration = _Integration(data[i, ...], None if levels is None else levels[i, ...], xp=xp)
        level = _kept(replaced(integration.mean()), orientation, keep_reference_pixels, xp=xp)
        if corrected is None:
            corrected = xp.empty((*data.shape[:2], *level.shape), dtype=data.dtype, device=device(data))
        one = partial(correct, i=i, integration=integration, level=level, corrected=corrected)
        for_each(one, range(data.shape[1]), workers=workers)
    return corrected


class _Integration:
    """The groups of one integration about their mean.

    The mean is found from differences to the first group, so that a sample that equals the mean of its pixel differs
    from it by exactly 0 even where sums are rounded.
    """

    def __init__(self, data: Array, levels: Array | None, *, xp: Namespace) -> None:
        self._data, self._levels, self._xp = data, levels, xp
        self._exact = accumulator_dtype(data, xp=xp)
        self._rise = xp.zeros(data.shape[1:], dtype=self._exact, device=device(data))
        for rows in row_slices(self._rise):
            first = self._counts(0, rows)
            for group in range(1, data.shape[0]):
                self._rise[rows, :] += self._counts(group, rows) - first
            self._rise[rows, :] /= data.shape[0]

    def mean(self) -> Array:
        """Over the groups: (row, column)."""
        mean = self._xp.empty_like(self._rise)
        for rows in row_slices(mean):
            mean[rows, :] = self._counts(0, rows) + self._rise[rows, :]
        return mean

    def difference(self, group: int) -> Array:
        """A group less the mean: (row, column), of the data's dtype."""
        out = self._xp.empty_like(self._data[group, ...])
        for rows in row_slices(out):
            above_first = self._counts(group, rows) - self._counts(0, rows)
            out[rows, :] = self._xp.astype(above_first - self._rise[rows, :], out.dtype)
        return out

    def _counts(self, group: int, rows: slice) -> Array:
        counts = self._data[group, rows, :]
        if self._levels is not None:
            counts = counts - self._levels[group, rows, :]
        return self._xp.astype(counts, self._exact)


def _science_rows(plane: Array, orientation: Orientation) -> Array:
    return science_rows(plane, reference_first=orientation.fastaxis > 0)


def _kept(mean: Array, orientation: Orientation, keep_reference_pixels: bool, *, xp: Namespace) -> Array:
    """What is added again: the mean, but of the interleaved reference pixels of the detector's outputs nothing."""
    if not keep_reference_pixels:
        return _science_rows(mean, orientation)
    reads = reference_reads(mean)
    nothing = xp.zeros_like(reads[1:, ...])
    parts = [reads[:1, ...], nothing] if orientation.fastaxis > 0 else [nothing, reads[-1:, ...]]
    return with_reference_reads(mean, xp.concat(parts))


class _Cleaning:
    """Takes correlated noise from one group after another; what all groups need is made once.

    Parameters
    ----------
    plane : (row, column), science frame: a group of the exposure.
    """

    def __init__(self, plane: Array, weights: Weights, orientation: Orientation) -> None:
        self._xp = array_namespace(plane)
        self._weights, self._orientation = weights, orientation
        output = in_time_order(orientation.to_detector(plane, xp=self._xp))[0]
        self._read_at, self._rows = times(output), output.shape[0]
        stream = with_gaps(output)
        self._fourier = Fourier(stream)
        self._interpolation = BandLimited(stream, self._rows, self._fourier)

    def clean(self, plane: Array) -> Array:
        """A group less its correlated noise; (row, column), science frame, means over groups removed."""
        xp = self._xp
        known = xp.where(xp.isnan(plane), 0.0, plane)
        outputs = in_time_order(self._orientation.to_detector(known, xp=xp))
        return self._orientation.to_science(in_columns(self._outputs(outputs)), xp=xp)

    def _outputs(self, outputs: Sequence[Array]) -> Iterator[Array]:
        """The reference output without its line, and without gaps; then the others less their correlated noise."""
        stream = with_gaps(subtract_line(outputs[0], self._read_at))
        stream = self._interpolation.fill(fill_zeros(stream))
        yield without_gaps(stream, self._rows)
        shared = self._fourier.spectrum(stream)
        for k, output in enumerate(outputs[1:]):
            own = subtract_line(output, self._read_at)
            noise = self._weights.alpha[k, ...] * shared
            noise += self._weights.beta[k, ...] * self._fourier.spectrum(reference_stream(own))
            yield own - without_gaps(self._fourier.stream(noise), self._rows)
