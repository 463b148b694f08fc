"""``flag_jumps`` as two kernels: jumps of each pixel, then what spreads from them."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace, nanmedian
from gpipe.arrays.precision import all_float32
from gpipe.jump.detection import Flagged, JumpSettings, open_rows
from gpipe.jump.detection import flag_jumps as portable
from gpipe.jump.method import Method
from gpipe.kernels.cuda import sources

MOST_LEVELS = 7


def flag_jumps(
    data: Array,
    groupdq: Array,
    gain: Array,
    readnoise: Array,
    *,
    settings: JumpSettings,
    block_pixels: int | None = None,
    workers: int = 1,
) -> Flagged:
    """See ``gpipe.jump.detection.flag_jumps``, which does all other cases: no method, more than seven kinds of large
    jumps, and other types than float32."""
    floats = all_float32(data, gain, readnoise)
    if settings.method is None or len(settings.after) > MOST_LEVELS or not floats:
        return portable(data, groupdq, gain, readnoise, settings=settings)
    xp = array_namespace(data, groupdq, gain, readnoise)
    data, groupdq, gain, readnoise = (sources.contiguous(x) for x in (data, groupdq, gain, readnoise))
    found, marks = _find(data, groupdq, gain, readnoise, settings, xp)
    opened = open_rows(found) if settings.method is Method.SIGMA_CLIP else None
    full = None if opened is None or not settings.whole_images else xp.astype(~xp.any(opened, axis=-1), xp.uint8)
    reach = xp.asarray([a.groups for a in settings.after], dtype=xp.int64, device=device(data))
    flags, primary = xp.empty_like(found), xp.zeros(gain.shape[:1], dtype=xp.int64, device=device(data))
    pixels = gain.shape[0] * gain.shape[1]
    shape, levels = groupdq.shape, len(settings.after)
    sources.launch("jump", "spread_jumps", pixels, found, marks, full, *shape, reach, levels, flags, primary)
    return Flagged(flags, primary, opened)


def _find(
    data: Array, groupdq: Array, gain: Array, readnoise: Array, settings: JumpSettings, xp: Namespace
) -> tuple[Array, Array]:
    """Flags with the jumps themselves, and marks of differences: strong ones, and large ones of each kind."""
    integrations, groups, rows, columns = data.shape
    version = sources.version_for(integrations * (groups - 1), rows * columns, like=data)
    limits, reach = settings.thresholds, settings.neighbours
    found, marks = xp.empty_like(groupdq), xp.empty_like(groupdq)
    sources.launch(
        "jump",
        f"find_jumps_{version.suffix}",
        version.threads,
        *(data, groupdq, gain, readnoise, integrations, groups, rows * columns, _method(settings)),
        *(float(limits.four_or_more), float(limits.three), float(limits.two), settings.frames),
        *((1, float(reach.least), float(reach.most)) if reach else (0, 0.0, 0.0)),
        *(_levels(gain, settings, xp), len(settings.after), version.scratch, found, marks),
    )
    return found, marks


def _method(settings: JumpSettings) -> int:
    """The number that the source gives to the method."""
    if settings.method is Method.SIGMA_CLIP:
        return 2 if settings.only_use_ints else 3
    return 0 if settings.method is Method.ITERATIVE else 1


def _levels(gain: Array, settings: JumpSettings, xp: Namespace) -> Array | None:
    """Least electrons of a large jump, for each kind."""
    if not settings.after:
        return None
    typical = nanmedian(xp.reshape(gain, (-1,)), axis=0, xp=xp)
    return xp.stack([xp.asarray(a.dn * typical, dtype=gain.dtype, device=device(gain)) for a in settings.after])
