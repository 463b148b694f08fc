"""Reference-pixel correction of NIRSpec IRS2 readout."""

from collections.abc import Iterator, Sequence
from functools import partial

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, accumulator_dtype
from gpipe.arrays.blocks import for_each
from gpipe.arrays.interleaved import reference_reads, science_rows, with_reference_reads
from gpipe.arrays.rows import row_slices
from gpipe.refpix.irs2_bad_reads import replace_reads
from gpipe.refpix.irs2_interpolation import fill_band_limited, fill_zeros
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
    3. the gaps of the reference output are filled (`fill_zeros`, `fill_band_limited`);
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
        clean = _clean(replaced(integration.difference(group)), weights, orientation, xp=xp)
        normal = clean if keep_reference_pixels else _science_rows(clean, orientation)
        for rows in row_slices(level):
            corrected[i, group, rows, :] = xp.astype(normal[rows, :] + level[rows, :], data.dtype)

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


def _clean(plane: Array, weights: Weights, orientation: Orientation, *, xp: Namespace) -> Array:
    """A group less its correlated noise; (row, column), science frame, means over groups removed."""
    known = xp.where(xp.isnan(plane), 0.0, plane)
    del plane
    outputs = in_time_order(orientation.to_detector(known, xp=xp))
    return orientation.to_science(in_columns(_clean_outputs(outputs, weights, xp=xp)), xp=xp)


def _clean_outputs(outputs: Sequence[Array], weights: Weights, *, xp: Namespace) -> Iterator[Array]:
    """The reference output without its line, and without gaps; then the others less their correlated noise."""
    read_at = times(outputs[0])
    rows = read_at.shape[0]
    stream = fill_band_limited(fill_zeros(with_gaps(subtract_line(outputs[0], read_at))), rows)
    yield without_gaps(stream, rows)
    shared = xp.fft.rfft(stream)
    for k, output in enumerate(outputs[1:]):
        own = subtract_line(output, read_at)
        noise = weights.alpha[k, :] * shared + weights.beta[k, :] * xp.fft.rfft(reference_stream(own))
        yield own - without_gaps(xp.fft.irfft(noise, n=stream.shape[0]), rows)
