"""``flag_saturation`` as kernels: marks of each sample, flags of its surroundings, and what averaged groups add."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array
from gpipe.arrays.precision import all_float32
from gpipe.kernels.cuda import sources
from gpipe.saturation.saturation import Flagged, usable_threshold
from gpipe.saturation.saturation import flag_saturation as portable


def flag_saturation(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    level: Array,
    level_dq: Array,
    *,
    grow: int = 1,
    nframes: int | None = None,
    bias: Array | None = None,
    zeroframe: Array | None = None,
) -> Flagged:
    """See ``gpipe.saturation.saturation.flag_saturation``, which does types other than float32."""
    if not all_float32(data, level, bias, zeroframe):
        arrays = (data, groupdq, pixeldq, level, level_dq)
        return portable(*arrays, grow=grow, nframes=nframes, bias=bias, zeroframe=zeroframe)
    xp = array_namespace(data, groupdq, pixeldq, level, level_dq, bias, zeroframe)
    threshold = usable_threshold(sources.contiguous(level), level_dq)
    data, groupdq, bias, zeroframe = (sources.contiguous(x) for x in (data, groupdq, bias, zeroframe))
    pixels, averaged = level.shape[0] * level.shape[1], nframes or 0
    marks, flags = xp.empty_like(groupdq), xp.empty_like(groupdq)
    hidden = xp.empty_like(groupdq) if averaged > 1 else None
    saturated, at_floor = (xp.zeros(level.shape[:1], dtype=xp.int32, device=device(data)) for _ in range(2))
    unchecked = xp.astype(threshold.unchecked, xp.uint8)

    def launch(kernel: str, *arguments: object) -> None:
        sources.launch("saturation", kernel, pixels, *arguments)

    launch("mark_samples", data, groupdq, threshold.level, unchecked, bias, *data.shape, averaged, marks)
    launch("flag_samples", marks, groupdq, *data.shape, grow, flags, hidden, saturated, at_floor)
    if hidden is not None:
        launch("withdraw_hidden", hidden, *data.shape, grow, flags)
    cleared = None if zeroframe is None else xp.empty_like(zeroframe)
    if zeroframe is not None:
        launch("clear_zeroframe", zeroframe, threshold.level, *zeroframe.shape, grow, cleared)
    return Flagged(
        groupdq=flags,
        pixeldq=pixeldq | threshold.dq,
        zeroframe=cleared,
        saturated_pixels=saturated,
        floor_pixels=at_floor,
    )
