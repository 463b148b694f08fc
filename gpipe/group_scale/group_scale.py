"""Correction of groups whose on-board average was divided by the wrong number."""

from gpipe.arrays import Array


def divisor_is_right(nframes: int, frame_divisor: int | None) -> bool:
    """Tell whether groups of ``nframes`` frames were averaged correctly on board.

    The on-board computer divides the sum of frames by a power of two. If ``frame_divisor`` is unknown (no
    FRMDIVSR in the header), it is taken to be right if ``nframes`` is a power of two.
    """
    if frame_divisor is None:
        return nframes & (nframes - 1) == 0
    return nframes == frame_divisor


def rescale_groups(data: Array, *, nframes: int, frame_divisor: int) -> Array:
    """Multiply all groups by ``frame_divisor / nframes``, so that they hold the mean of their frames.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN. NaN stays NaN.
    nframes : frames that were summed in a group.
    frame_divisor : what the sum was divided by.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/group_scale/description.html
    """
    return data * (float(frame_divisor) / nframes)
