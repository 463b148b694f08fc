"""The ramp_fit step."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any, ClassVar

from gpipe.arrays import Array
from gpipe.arrays.unusable import unusable_rows
from gpipe.controller import Block, Cut, Preview, Produced, Ref, References, SideProduct, Step, SummaryOf, Work
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import Described, Ramp, Rate
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS
from gpipe.datamodels.exposures.rate import RATES_OF_BOTH
from gpipe.ramp_fitting.dead_ends_exposure import among_living, loses_groups
from gpipe.ramp_fitting.fit import FitOptions, RampFit, fit_ramps
from gpipe.ramp_fitting.likely_fit import LikelyFit, LikelyOptions, fit_ramps_likely
from gpipe.ramp_fitting.rates_exposure import count_rate, optional_model
from gpipe.ramp_fitting.timing_exposure import (
    group_limits,
    times_of_reads,
    timing_of,
    used_algorithm,
    zeroframe_is_of_use,
)

PREDECESSORS = ("dq_init", "saturation", "refpix", "linearity", "dark_sub", "jump")


class RampFitStep(Step):
    """Fit ramps to get the count rates of the exposure and of each of its integrations."""

    alias = "ramp_fit"
    references = (Ref("readnoise", missing="error"), Ref("gain", missing="error"))
    after: ClassVar = {MIRI: PREDECESSORS, OTHERS: (*PREDECESSORS, "superbias")}
    cut = Cut(Block.ROWS, summary=SummaryOf(("groupdq:DO_NOT_USE",), preview=Preview.SAMPLE))
    makes = Rate

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
        return {"unusable": chunk.backend.native(unusable_rows)(chunk.groupdq)} if loses_groups(chunk) else {}

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        """Rates of the exposure, then of its integrations; fits of segments or chi-square on the side if asked for."""
        factor = references["gain"].number("exposure.gain_factor")
        if factor is not None:
            outline.meta.exposure.gain_factor = factor
        fit = self._method(outline, references, summary)

        def apply(chunk: Ramp) -> Produced:
            found = fit(chunk)
            shared = RATES_OF_BOTH if chunk.shape[0] == 1 and isinstance(found, RampFit) else ()
            results = (count_rate(found.exposure, chunk), count_rate(found.integrations, chunk, shared=shared))
            if not self.save_opt:
                return Produced(results)
            suffix, model = optional_model(found, chunk)
            return Produced(results, (SideProduct(model, suffix=suffix, output_file=self._opt_file(suffix)),))

        return Work(apply)

    def fit(self, exposure: Ramp, references: References) -> RampFit | LikelyFit:
        """The count rates as arrays; metadata stay as they are."""
        return self._method(exposure, references, self.summarize(exposure))(exposure)

    def _method(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Callable[[Ramp], Any]:
        """The fit of a chunk of an exposure."""
        first, last = group_limits(self.firstgroup, self.lastgroup, outline.shape[1])
        limits: dict[str, Any] = {"first_group": first, "last_group": last}
        if used_algorithm(self.algorithm, outline) == "OLS_C":
            options = FitOptions(
                timing=timing_of(outline.meta.exposure),
                suppress_one_group=self.suppress_one_group,
                restore_charge_loss=True,
                segments=self.save_opt,
                **limits,
            )
            living, options = among_living(outline, options, summary)
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

    def named_files(self) -> Sequence[str]:
        """List the product that ``opt_name`` names; the algorithm decides its suffix."""
        found = self._opt_file("*") if self.save_opt else None
        return () if found is None else (found,)

    def _opt_file(self, suffix: str) -> str | None:
        if not self.opt_name:
            return None
        path = PurePath(self.opt_name)
        return str(path.with_name(f"{path.stem.removesuffix(f'_{suffix}')}_{suffix}{path.suffix}"))


def _planes(chunk: Ramp, references: References) -> tuple[Array, ...]:
    return chunk.pixeldq, references["readnoise"].plane("data", chunk), references["gain"].plane("data", chunk)
