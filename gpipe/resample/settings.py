"""Settings of resampling that every exposure shares."""

import math
from dataclasses import dataclass

IVM, EXPTIME = "ivm", "exptime"
VARIANCES = ("var_poisson", "var_rnoise", "var_flat")
"""In the order in which they are drizzled."""


@dataclass(frozen=True)
class Settings:
    """Settings of resampling.

    Attributes
    ----------
    kernel, pixfrac : of drizzle.
    fill : value of SCI where no pixel has a weight.
    weight_type : ``ivm`` or ``exptime``.
    context, dq : whether the mosaic tells which exposures have a share in a pixel, and their flags.
    errors : how errors are made: of ``variances``, of ``drizzled`` errors, or ``none``.
    reports_variances : whether the mosaic has variances.
    stepsize, order : of pixel maps.
    workers : threads.
    """

    kernel: str = "square"
    pixfrac: float = 1.0
    fill: float = math.nan
    weight_type: str = IVM
    context: bool = True
    dq: bool = False
    errors: str = "variances"
    reports_variances: bool = True
    stepsize: float = 1.0
    order: int = 1
    workers: int = 1

    @property
    def means(self) -> tuple[str, ...]:
        """Names of the planes of which the mosaic has the weighted mean."""
        return ("data", "err") if self.errors == "drizzled" else ("data",)

    @property
    def variances(self) -> tuple[str, ...]:
        """Names of the variances that are drizzled."""
        return VARIANCES if self.errors == "variances" else ()

    def bytes_per_pixel(self, exposures: int) -> int:
        """Count the bytes of a pixel of the mosaic."""
        planes = 2 + self.dq + (self.errors != "none") + self.reports_variances * len(self.variances)
        return 4 * (planes + self.context * -(-exposures // 32))
