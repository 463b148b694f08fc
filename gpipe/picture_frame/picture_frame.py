"""Picture frame: a thermal pattern at the edges of a NIRSpec detector."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe.arrays import Array
from gpipe.arrays.image_median import image_median
from gpipe.arrays.integrations import stack_integrations
from gpipe.picture_frame.regions import Regions


@dataclass(frozen=True)
class Levels:
    """Medians of the background in the middle and in the frame; DN or DN/s, as the image is; without axes."""

    middle: Array
    frame: Array


@dataclass(frozen=True)
class Sample:
    """The background pixels of both regions; bool, (pixel,)."""

    middle: Array
    frame: Array


def sample_regions(mask: Array, regions: Regions) -> Sample:
    """The background mask (row, column) of both regions."""
    return Sample(regions.middle_of(mask), regions.frame_of(mask))


def both_have_pixels(sample: Sample) -> Array:
    """Tell whether both regions have background to measure; bool, without axes."""
    xp = array_namespace(sample.middle, sample.frame)
    return xp.any(sample.middle) & xp.any(sample.frame)


def measure_levels(image: Array, sample: Sample, regions: Regions) -> Levels:
    """Medians of the background of an image, float32 (row, column), in both regions. NaN does not count."""
    return Levels(
        middle=image_median(regions.middle_of(image), sample.middle),
        frame=image_median(regions.frame_of(image), sample.frame),
    )


def subtract_from_ramps(data: Array, pattern: Array, sample: Sample, regions: Regions) -> Array:
    """Subtract the picture frame that has built up since the first group from each later group.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN, and makes later groups NaN in the first one.
    pattern : float32, (row, column), the picture frame in any unit. Where it is NaN the result is NaN.
    sample : background pixels, from ``sample_regions``.

    Returns
    -------
    float32, (integration, group, row, column), DN; a new array. Errors and flags are not changed.

    Notes
    -----
    With m the median over the middle, f that over the frame, P the pattern, D = data of a group less the first group:

        out = data - [ (m(D) - f(D)) / (m(P) - f(P)) (P - f(P)) + f(D) ]

    so that neither region has a background left. The first group stays as it is.
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/picture_frame/description.html
    """
    xp = array_namespace(data, pattern)
    shape = _Shape.of(pattern, sample, regions)
    out = xp.empty_like(data)
    for i in range(data.shape[0]):
        first = data[i, 0, ...]
        out[i, 0, ...] = first
        for g in range(1, data.shape[1]):
            grown = data[i, g, ...] - first
            out[i, g, ...] = grown + (first - shape.scaled_to(grown, sample, regions))
    return out


def subtract_from_rates(data: Array, pattern: Array, sample: Sample, regions: Regions) -> Array:
    """Subtract the picture frame from each rate image; as ``subtract_from_ramps`` with D = data.

    Parameters
    ----------
    data : float32, (row, column) or (integration, row, column), DN/s.
    pattern, sample : as for ``subtract_from_ramps``.
    """
    shape = _Shape.of(pattern, sample, regions)
    if data.ndim == 2:
        return data - shape.scaled_to(data, sample, regions)
    return stack_integrations(lambda rates: rates - shape.scaled_to(rates, sample, regions), data)


def difference(after: Array, before: Array) -> Array:
    """Return the change of each value."""
    return after - before


@dataclass(frozen=True)
class _Shape:
    """Pattern with median 0 in the frame, and its level in the middle."""

    above_frame: Array
    middle: Array

    @classmethod
    def of(cls, pattern: Array, sample: Sample, regions: Regions) -> "_Shape":
        levels = measure_levels(pattern, sample, regions)
        return cls(pattern - levels.frame, levels.middle - levels.frame)

    def scaled_to(self, image: Array, sample: Sample, regions: Regions) -> Array:
        """The pattern at the levels of an image."""
        levels = measure_levels(image, sample, regions)
        return (levels.middle - levels.frame) / self.middle * self.above_frame + levels.frame
