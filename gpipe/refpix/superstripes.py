"""Assembly of superstripes to one frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from array_api_compat import array_namespace, device

import gpipe.dq as dq
from gpipe.arrays import Array
from gpipe.refpix.orientation import Orientation

NOTHING = -1


@dataclass(frozen=True)
class Mosaic:
    """Sources of the lines of the whole exposure.

    Attributes
    ----------
    superstripes : integrations that make up a whole one.
    sources : for each repeat of a stripe within a frame, and each line of the whole, ``superstripe * lines + line`` of
        the array; `NOTHING` where nothing is read. Lines count in the order of reading.
    orientation : of the array on the detector.
    """

    superstripes: int
    sources: Sequence[Sequence[int]]
    orientation: Orientation


@dataclass(frozen=True)
class Whole:
    """Result of `assemble`: the arrays of a ramp."""

    data: Array
    groupdq: Array
    pixeldq: Array
    zeroframe: Array | None


def assemble(data: Array, groupdq: Array, pixeldq: Array, zeroframe: Array | None, *, mosaic: Mosaic) -> Whole:
    """Assemble superstripes. Repeats of a stripe within a frame become separate groups.

    Parameters
    ----------
    data : float32, (integration * superstripe, group, row, column), DN.
    groupdq : uint8, like ``data``.
    pixeldq : uint32, (superstripe, row, column).
    zeroframe : float32, (integration * superstripe, row, column), DN, or None.

    Returns
    -------
    Whole(data, groupdq, pixeldq, zeroframe) with (integration, group * repeat) leading. Where nothing is read, data and
    zeroframe are NaN, groupdq 0 and pixeldq REFERENCE_PIXEL. The zeroframe has the first repeat, pixeldq the last.
    """
    repeats = [_Repeat(mosaic, source) for source in mosaic.sources]
    frames = [repeat.of_ramp(data, float("nan")) for repeat in repeats]
    flags = [repeat.of_ramp(groupdq, 0) for repeat in repeats]
    return Whole(
        data=_as_groups(frames),
        groupdq=_as_groups(flags),
        pixeldq=repeats[-1].of_stripes(pixeldq, dq.REFERENCE_PIXEL),
        zeroframe=None if zeroframe is None else repeats[0].of_ramp(zeroframe[:, None, ...], float("nan"))[:, 0, ...],
    )


class _Repeat:
    """Gathers the lines of one repeat."""

    def __init__(self, mosaic: Mosaic, source: Sequence[int]) -> None:
        self._mosaic, self._source = mosaic, source

    def of_ramp(self, x: Array, empty: float) -> Array:
        """(integration * superstripe, group, row, column) to (integration, group, row, column) of the whole."""
        xp = array_namespace(x)
        count = self._mosaic.superstripes
        stripes = xp.reshape(x, (x.shape[0] // count, count, *x.shape[1:]))
        return self.of_stripes(xp.permute_dims(stripes, (0, 2, 1, 3, 4)), empty)

    def of_stripes(self, x: Array, empty: float) -> Array:
        """(…, superstripe, row, column) to (…, row, column) of the whole."""
        xp = array_namespace(x)
        stripes = self._mosaic.orientation.to_detector(x, xp=xp)
        lines = xp.reshape(stripes, (*stripes.shape[:-3], -1, stripes.shape[-1]))
        chosen = xp.asarray([max(line, 0) for line in self._source], dtype=xp.int64, device=device(x))
        known = xp.asarray([line != NOTHING for line in self._source], dtype=xp.bool, device=device(x))
        whole = xp.where(
            known[:, None], xp.take(lines, chosen, axis=-2), xp.asarray(empty, dtype=x.dtype, device=device(x))
        )
        return self._mosaic.orientation.to_science(whole, xp=xp)


def _as_groups(frames: list[Array]) -> Array:
    """(integration, group, …) of each repeat, the repeats of a group after each other."""
    xp = array_namespace(frames[0])
    stacked = xp.stack(frames, axis=2)
    return xp.reshape(stacked, (stacked.shape[0], -1, *stacked.shape[3:]))
