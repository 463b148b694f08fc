"""The ramp_fit step."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import PurePath
from typing import Any

from gpipe.arrays import Array
from gpipe.arrays.unusable import unusable_rows
from gpipe.controller import Block, Preview, Produced, References, SideProduct, Step, Work
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import CountRate, Ramp
from gpipe.datamodels.exposures.instruments import is_miri
from gpipe.datamodels.exposures.rate import RATES_OF_BOTH
from gpipe.datamodels.files.products import bare_model
from gpipe.exceptions import InputError
from gpipe.ramp_fitting.dead_ends import FEWEST_GROUPS as FEWEST_LIVING
from gpipe.ramp_fitting.dead_ends import dead_groups, living_groups
from gpipe.ramp_fitting.fit import FitOptions, RampFit, fit_ramps
from gpipe.ramp_fitting.likely_fit import FEWEST_GROUPS, LikelyFit, LikelyOptions, fit_ramps_likely
from gpipe.ramp_fitting.rates import Rates
from gpipe.ramp_fitting.reads import Reads, Times, even_times
from gpipe.ramp_fitting.segment_results import SegmentResults, planes_in_use
from gpipe.ramp_fitting.timing import Timing

log = logging.getLogger(__name__)


class RampFitStep(Step):
    """Fit ramps to get the count rates of the exposure and of each of its integrations."""

    class_alias = "ramp_fit"
    reference_file_types = ("readnoise", "gain")
    missing_reference = "error"
    expects = ("dq_init", "saturation", "refpix", "linearity", "dark_sub", "jump")
    expects_near_infrared = ("superbias",)
    summarized = ("groupdq:DO_NOT_USE",)
    preview = Preview.SAMPLE
    ends_ramps = True

    algorithm = p.Option(
        "OLS_C",
        ("OLS_C", "LIKELY"),
        help="Least squares with optimal weights, or maximum likelihood with jump detection of its own.",
    )
    int_name = p.String("", help="Accepted for the sake of parameter files; it has no effect, nor has it in jwst.")
    save_opt = p.Boolean(
        False, help="Also save the fits of all segments, as a fitopt product; of LIKELY chi-square, as likely_chisq."
    )
    opt_name = p.String("", help="Name of that product before its suffix; empty for that of the exposure.")
    suppress_one_group = p.Boolean(
        True, help="Do not fit ramps of which one group only is good; LIKELY never fits them."
    )
    firstgroup = p.Integer(None, unit="group, from 0", help="Groups before this one are not used.")
    lastgroup = p.Integer(None, unit="group, from 0", help="Groups after this one are not used.")
    maximum_cores = p.Cores("1", help="Cores to fit on. The rates do not depend on it.")

    def block(self, meta: Any) -> Block:
        return Block.EXPOSURE if self.save_opt else Block.ROWS

    def summarize(self, chunk: Ramp) -> Mapping[str, Array]:
        return {"unusable": chunk.backend.native(unusable_rows)(chunk.groupdq)} if _loses_groups(chunk) else {}

    def begin(self, outline: Any, references: References, summary: Mapping[str, Any]) -> Work:
        """Rates of the exposure, then of its integrations; fits of segments or chi-square on the side if asked for."""
        factor = references.gain.number("exposure.gain_factor")
        if factor is not None:
            outline.meta.exposure.gain_factor = factor
        fit = self._method(outline, references, summary)

        def apply(chunk: Ramp) -> Produced:
            found = fit(chunk)
            shared = RATES_OF_BOTH if chunk.shape[0] == 1 and isinstance(found, RampFit) else ()
            results = (count_rate(found.exposure, chunk), count_rate(found.integrations, chunk, shared=shared))
            if not self.save_opt:
                return Produced(results)
            suffix, model = _optional_model(found, chunk)
            return Produced(results, (SideProduct(model, suffix=suffix, output_file=self._opt_file(suffix)),))

        return Work(apply)

    def fit(self, exposure: Ramp, references: References) -> RampFit | LikelyFit:
        """The count rates as arrays; metadata stay as they are."""
        return self._method(exposure, references, self.summarize(exposure))(exposure)

    def _method(self, outline: Any, references: References, summary: Mapping[str, Any]) -> Callable[[Ramp], Any]:
        """The fit of a chunk of an exposure."""
        first, last = group_limits(self.firstgroup, self.lastgroup, outline.shape[1])
        limits: dict[str, Any] = {"first_group": first, "last_group": last}
        if used_algorithm(self.algorithm, outline) == "OLS_C":
            options = FitOptions(
                timing=_timing(outline.meta.exposure),
                suppress_one_group=self.suppress_one_group,
                restore_charge_loss=True,
                segments=self.save_opt,
                **limits,
            )
            living, options = _among_living(outline, options, summary)
            return partial(self._fit_lines, references=references, groups=living, options=options)
        likely = LikelyOptions(times=times_of_reads(outline), **limits)
        uses_zeroframe = zeroframe_is_of_use(outline, likely.times)
        return partial(self._fit_likely, references=references, options=likely, uses_zeroframe=uses_zeroframe)

    def _fit_lines(self, chunk: Ramp, *, references: References, groups: slice, options: FitOptions) -> RampFit:
        ramps = chunk.data[:, groups, ...], chunk.groupdq[:, groups, ...]
        fit = chunk.backend.native(fit_ramps)
        return fit(*ramps, *_planes(chunk, references), options=options, zeroframe=chunk.zeroframe, **self._how(chunk))

    def _fit_likely(
        self, chunk: Ramp, *, references: References, options: LikelyOptions, uses_zeroframe: bool
    ) -> LikelyFit:
        zeroframe = chunk.zeroframe if uses_zeroframe else None
        planes = _planes(chunk, references)
        return fit_ramps_likely(
            chunk.data, chunk.groupdq, *planes, options=options, zeroframe=zeroframe, **self._how(chunk)
        )

    def _how(self, chunk: Ramp) -> dict[str, Any]:
        return {"dark_current": chunk.average_dark_current, "workers": threads.inside(self, chunk)}

    def _opt_file(self, suffix: str) -> str | None:
        if not self.opt_name:
            return None
        path = PurePath(self.opt_name)
        return str(path.with_name(f"{path.stem.removesuffix(f'_{suffix}')}_{suffix}{path.suffix}"))


def _planes(chunk: Ramp, references: References) -> tuple[Array, ...]:
    return chunk.pixeldq, references.readnoise.plane("data", chunk), references.gain.plane("data", chunk)


def _loses_groups(exposure: Any) -> bool:
    """Whether the first and the last groups may be of no use to any pixel, as those of MIRI are."""
    return is_miri(exposure.meta) and exposure.shape[1] > 1


def _among_living(outline: Any, options: FitOptions, summary: Mapping[str, Any]) -> tuple[slice, FitOptions]:
    """Which groups are fitted, and how: of MIRI those between groups that no pixel can use."""
    groups = outline.shape[1]
    if not _loses_groups(outline):
        return slice(0, groups), options
    first, last = options.first_group or 0, groups - 1 if options.last_group is None else options.last_group
    flagged = outline.backend.to_host(dead_groups(summary["unusable"])).tolist()
    living = living_groups([dead or not first <= k <= last for k, dead in enumerate(flagged)])
    if living is None:
        log.warning("ramp_fit: found fewer than %d usable groups, expected more; there are no rates", FEWEST_LIVING)
        return slice(0, groups), replace(options, suppress_one_group=True)
    log.info("Groups %d to %d are fitted; the others cannot be used", living.start + 1, living.stop)
    limits = {"first_group": None, "last_group": last - living.start}
    return living, replace(options, **limits, ignore_first_jump=living.start > 0)


def used_algorithm(asked: str, exposure: Any) -> str:
    """LIKELY for uneven reads whatever was asked for, and least squares for ramps that are too short for LIKELY."""
    algorithm = asked
    if algorithm != "LIKELY" and _read_times(exposure):
        log.warning("The reads are unevenly spaced (read_times): LIKELY is used, not %s", algorithm)
        algorithm = "LIKELY"
    if algorithm == "LIKELY" and exposure.shape[1] < FEWEST_GROUPS:
        log.info("LIKELY needs %d groups, this exposure has fewer: OLS_C is used", FEWEST_GROUPS)
        algorithm = "OLS_C"
    return algorithm


def times_of_reads(exposure: Any) -> Times:
    """Seconds of all reads, group by group: explicit ones if the metadata have them, else those of the read pattern."""
    groups = exposure.shape[1]
    explicit = _read_times(exposure)
    if not explicit:
        return even_times(_timing(exposure.meta.exposure), groups)
    times = tuple(tuple(float(t) for t in group) for group in explicit)
    if len(times) != groups or not all(times):
        raise InputError(f"read_times: found reads of {len(times)} groups, expected one or more of each of {groups}")
    if min(Reads.at(times).intervals) <= 0:
        raise InputError("read_times: found a group that is not later than the one before, expected increasing times")
    return times


def zeroframe_is_of_use(exposure: Any, times: Times) -> bool:
    """Whether the ZEROFRAME adds to the first group: whether that has several reads."""
    if len(times[0]) < 2 and exposure.meta.exposure.zero_frame:
        log.warning("The first group is a single read: LIKELY does not use the ZEROFRAME")
    return len(times[0]) > 1


def _read_times(exposure: Any) -> Any:
    times = getattr(exposure.meta.exposure, "read_times", None)
    return times if times is not None and len(times) else None


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


def count_rate(rates: Rates, exposure: Ramp, *, shared: tuple[str, ...] = ()) -> CountRate:
    """Rates that were fitted to an exposure, with its metadata."""
    return CountRate(
        header=exposure.header,
        backend=exposure.backend,
        data=rates.slope,
        dq=rates.dq,
        err=rates.err,
        var_poisson=rates.var_poisson,
        var_rnoise=rates.var_rnoise,
        shared=shared,
    )


def _optional_model(fit: RampFit | LikelyFit, exposure: Ramp) -> tuple[str, Any]:
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
