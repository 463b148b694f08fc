"""Exposures and models with the results of a fit."""

from dataclasses import fields
from typing import Any

from gpipe.datamodels import Ramp, Rate
from gpipe.datamodels.files.products import bare_model
from gpipe.ramp_fitting.fit import RampFit
from gpipe.ramp_fitting.likely_fit import LikelyFit
from gpipe.ramp_fitting.rates import Rates
from gpipe.ramp_fitting.segment_results import SegmentResults, planes_in_use


def count_rate(rates: Rates, exposure: Ramp, *, shared: tuple[str, ...] = ()) -> Rate:
    """Rates that were fitted to an exposure, with its metadata."""
    return Rate(
        header=exposure.header,
        backend=exposure.backend,
        data=rates.slope,
        dq=rates.dq,
        err=rates.err,
        var_poisson=rates.var_poisson,
        var_rnoise=rates.var_rnoise,
        shared=shared,
    )


def optional_model(fit: RampFit | LikelyFit, exposure: Ramp) -> tuple[str, Any]:
    """Suffix and model of the optional product."""
    if isinstance(fit, LikelyFit):
        model = bare_model(fit.chi_square, exposure)
        model.meta.filename = exposure.meta.filename
        return "likely_chisq", model
    assert fit.segments is not None
    return "fitopt", _fitopt_model(fit.segments, exposure)


def _fitopt_model(results: SegmentResults, exposure: Ramp) -> Any:
    """A RampFitOutputModel with as many planes as the ramp with most segments and the one with most jumps need."""
    from stdatamodels.jwst.datamodels import RampFitOutputModel

    to_host = exposure.backend.to_host
    segments = max(1, int(to_host(planes_in_use(results.weights)).sum()))
    jumps = int(to_host(planes_in_use(results.crmag)).sum())
    planes = {"crmag": jumps, "pedestal": None}
    arrays = {
        field.name: to_host(getattr(results, field.name))[:, : planes.get(field.name, segments)]
        for field in fields(results)
    }
    model = RampFitOutputModel(**arrays)
    model.update(exposure.header)
    model.meta.filename = exposure.meta.filename
    return model
