"""The ramp_fit step."""

import copy
import logging
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from gpipe.controller import Produced, References, SideProduct, Step, workers
from gpipe.controller import parameters as p
from gpipe.datamodels import CountRate, Ramp
from gpipe.exceptions import InputError, ParameterError
from gpipe.ramp_fitting.charge_loss import has_charge_loss
from gpipe.ramp_fitting.fit import FitOptions, RampFit, fit_ramps
from gpipe.ramp_fitting.rates import Rates
from gpipe.ramp_fitting.segment_results import SegmentResults, planes_in_use
from gpipe.ramp_fitting.timing import Timing

log = logging.getLogger(__name__)

LIKELY_MIN_NGROUPS = 4


class RampFitStep(Step):
    """Fit ramps to get the count rates of the exposure and of each of its integrations."""

    class_alias = "ramp_fit"
    reference_file_types = ("readnoise", "gain")
    missing_reference = "error"
    expects = ("dq_init", "saturation", "superbias", "refpix", "linearity", "dark_sub", "jump")

    algorithm = p.Option(
        "OLS_C",
        ("OLS_C", "LIKELY"),
        help="Least squares with optimal weights, or maximum likelihood, which gpipe does not have yet.",
    )
    int_name = p.String("", help="Accepted for the sake of parameter files; it has no effect, nor has it in jwst.")
    save_opt = p.Boolean(False, help="Also save the fits of all segments, as a fitopt product.")
    opt_name = p.String("", help="Name of the fitopt product before its suffix; empty for that of the exposure.")
    suppress_one_group = p.Boolean(True, help="Do not fit ramps of which one group only is good.")
    firstgroup = p.Integer(None, unit="group, from 0", help="Groups before this one are not used.")
    lastgroup = p.Integer(None, unit="group, from 0", help="Groups after this one are not used.")
    maximum_cores = p.Cores("1", help="Cores to fit on. The rates do not depend on it.")

    def check(self, meta: Any, references: References) -> None:
        if meta.instrument.name == "MIRI":
            raise InputError("ramp_fit: found INSTRUME MIRI, which gpipe does not do yet; expected near infrared")
        if getattr(meta.exposure, "read_times", None):
            raise InputError("ramp_fit: found unevenly spaced reads (read_times); expected evenly spaced groups")
        if self.algorithm == "LIKELY" and meta.exposure.ngroups >= LIKELY_MIN_NGROUPS:
            raise ParameterError("ramp_fit.algorithm: found 'LIKELY', which gpipe does not have yet; expected 'OLS_C'")

    def apply(self, exposure: Ramp, references: References) -> Produced:
        """Rates of the exposure, then of its integrations; the fits of segments on the side if asked for."""
        if self.algorithm == "LIKELY":
            log.info("LIKELY needs %d groups, this exposure has fewer: OLS_C is used", LIKELY_MIN_NGROUPS)
        factor = references.gain.meta.exposure.gain_factor
        if factor is not None:
            exposure.meta.exposure.gain_factor = factor
        fit = self.fit(exposure, references)
        results = (_count_rate(fit.exposure, exposure), _count_rate(fit.integrations, exposure))
        if fit.segments is None:
            return Produced(results)
        product = SideProduct(_fitopt_model(fit.segments, exposure), suffix="fitopt", output_file=self._opt_file())
        return Produced(results, (product,))

    def fit(self, exposure: Ramp, references: References) -> RampFit:
        """The count rates as arrays; metadata stay as they are."""
        return fit_ramps(
            exposure.data,
            exposure.groupdq,
            exposure.pixeldq,
            references.readnoise.plane("data", exposure),
            references.gain.plane("data", exposure),
            options=self._options(exposure),
            dark_current=exposure.average_dark_current,
            zeroframe=exposure.zeroframe,
            workers=workers.count(self.maximum_cores),
        )

    def _options(self, exposure: Ramp) -> FitOptions:
        first, last = group_limits(self.firstgroup, self.lastgroup, exposure.data.shape[1])
        return FitOptions(
            timing=_timing(exposure.meta.exposure),
            first_group=first,
            last_group=last,
            suppress_one_group=self.suppress_one_group,
            restore_charge_loss=bool(has_charge_loss(exposure.groupdq)),
            segments=self.save_opt,
        )

    def _opt_file(self) -> str | None:
        if not self.opt_name:
            return None
        path = PurePath(self.opt_name)
        return str(path.with_name(f"{path.stem.removesuffix('_fitopt')}_fitopt{path.suffix}"))


def group_limits(first: int | None, last: int | None, groups: int) -> tuple[int | None, int | None]:
    """The limits that can be met: both or neither if they leave fewer than two groups."""
    lower, upper = first or 0, groups - 1 if last is None else last
    if lower < 0:
        log.warning("ramp_fit.firstgroup: found %d, expected 0 or more; 0 is used", lower)
        lower = 0
    if upper >= groups:
        log.warning("ramp_fit.lastgroup: found %d, expected at most %d, which is used", upper, groups - 1)
    if lower >= upper:
        if first is not None or last is not None:
            log.warning("ramp_fit: found firstgroup %d, lastgroup %d, expected a later last; not used", lower, upper)
        return None, None
    return lower, upper


def _timing(exposure: Any) -> Timing:
    return Timing(
        frame_time=float(exposure.frame_time),
        group_time=float(exposure.group_time),
        frames=int(exposure.nframes),
        gap=int(exposure.groupgap),
        dropped_first=int(exposure.drop_frames1 or 0),
    )


def _count_rate(rates: Rates, exposure: Ramp) -> CountRate:
    return CountRate(
        header=copy.deepcopy(exposure.header),
        backend=exposure.backend,
        data=rates.slope,
        dq=rates.dq,
        err=rates.err,
        var_poisson=rates.var_poisson,
        var_rnoise=rates.var_rnoise,
    )


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
