"""Count rates of detectors read with a gain that is not the standard one."""

from dataclasses import dataclass

from gpipe.arrays import Array


@dataclass(frozen=True)
class Rescaled:
    """Count rates in DN/s of the standard gain, with their errors; shapes and types as they came."""

    data: Array
    err: Array
    var_poisson: Array
    var_rnoise: Array


def rescale_rates(data: Array, err: Array, var_poisson: Array, var_rnoise: Array, *, factor: float) -> Rescaled:
    """Multiply rates and errors by ``factor`` and variances by its square. NaN stays NaN.

    Parameters
    ----------
    data, err : float32, (row, column) or (integration, row, column), DN/s; ``err`` is 1 sigma.
    var_poisson, var_rnoise : float32, the same shape, (DN/s)^2.
    factor : ratio of the standard to the actual number of DN per electron.

    Source: https://jwst-pipeline.readthedocs.io/en/latest/jwst/gain_scale/description.html
    """
    return Rescaled(
        data=data * factor, err=err * factor, var_poisson=var_poisson * factor**2, var_rnoise=var_rnoise * factor**2
    )
