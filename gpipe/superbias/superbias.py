"""Removal of the detector's bias structure."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from gpipe import dq
from gpipe.arrays import Array


@dataclass(frozen=True)
class BiasSubtracted:
    """Ramps without bias; new arrays of the shapes and types that came in."""

    data: Array
    pixeldq: Array
    zeroframe: Array | None


def subtract_superbias(
    data: Array, pixeldq: Array, bias: Array, bias_dq: Array, *, zeroframe: Array | None = None
) -> BiasSubtracted:
    """Subtract the superbias image from every group, ``S - b``, take over its flags, and flag where it is unknown.

    Parameters
    ----------
    data : float32, (integration, group, row, column), DN.
    pixeldq : uint32, (row, column).
    bias : float32, (row, column), DN. NaN counts as 0. Where it is not finite the pixel becomes UNRELIABLE_BIAS.
    bias_dq : uint32, (row, column).
    zeroframe : float32, (integration, row, column), DN. Its bias is subtracted too, but 0 marks a bad sample and
        stays 0.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/superbias/description.html
    """
    xp = array_namespace(data, pixeldq, bias, bias_dq, zeroframe)
    known = xp.where(xp.isnan(bias), 0.0, bias)
    unknown = xp.astype(~xp.isfinite(bias), pixeldq.dtype) * dq.UNRELIABLE_BIAS
    return BiasSubtracted(
        data=data - known,
        pixeldq=pixeldq | bias_dq | unknown,
        zeroframe=None if zeroframe is None else xp.where(zeroframe == 0, 0.0, zeroframe - known),
    )
