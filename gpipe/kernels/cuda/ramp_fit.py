"""``fit_ramps`` as one kernel: all integrations of a pixel in one thread."""

from array_api_compat import array_namespace, device

from gpipe.arrays import Array, Namespace
from gpipe.arrays.precision import all_float32
from gpipe.kernels.cuda import sources
from gpipe.ramp_fitting.fit import FitOptions, RampFit, check_shapes
from gpipe.ramp_fitting.fit import fit_ramps as portable
from gpipe.ramp_fitting.rates import Rates
from gpipe.ramp_fitting.weights import step_coefficients


def fit_ramps(
    data: Array,
    groupdq: Array,
    pixeldq: Array,
    readnoise: Array,
    gain: Array,
    *,
    options: FitOptions,
    dark_current: Array | None = None,
    zeroframe: Array | None = None,
    workers: int = 1,
) -> RampFit:
    """See ``gpipe.ramp_fitting.fit.fit_ramps``, which does all other cases: fits of all segments, and types other
    than float32."""
    arrays = (data, groupdq, pixeldq, readnoise, gain)
    if options.segments or not all_float32(data, readnoise, gain, dark_current, zeroframe):
        return portable(*arrays, options=options, dark_current=dark_current, zeroframe=zeroframe)
    xp = array_namespace(*arrays)
    check_shapes(data, groupdq=groupdq, pixeldq=pixeldq, readnoise=readnoise, gain=gain)
    integrations, groups, rows, columns = data.shape
    timing, version = options.timing, sources.version_for(groups - 1, rows * columns, like=data)
    whole, each = _empty(data, (rows, columns), xp), _empty(data, (integrations, rows, columns), xp)
    sources.launch(
        "ramp_fit",
        f"fit_ramps_{version.suffix}",
        version.threads,
        *(sources.contiguous(x) for x in (*arrays, dark_current, zeroframe)),
        step_coefficients(groups, dtype=data.dtype, device=device(data), xp=xp),
        *(integrations, groups, rows * columns),
        0 if options.first_group is None else options.first_group,
        groups - 1 if options.last_group is None else options.last_group,
        *(int(options.suppress_one_group), int(options.ignore_first_jump), int(options.restore_charge_loss)),
        *(float(timing.frame_time), float(timing.group_time), timing.first_group_time, (2.0 * timing.frames) ** -0.5),
        *(version.scratch, *vars(whole).values(), *vars(each).values()),
    )
    return RampFit(exposure=whole, integrations=each, segments=None)


def _empty(data: Array, shape: tuple[int, ...], xp: Namespace) -> Rates:
    def plane(dtype: object) -> Array:
        return xp.empty(shape, dtype=dtype, device=device(data))

    return Rates(
        slope=plane(data.dtype),
        dq=plane(xp.uint32),
        var_poisson=plane(data.dtype),
        var_rnoise=plane(data.dtype),
        err=plane(data.dtype),
    )
