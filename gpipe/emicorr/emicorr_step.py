"""The emicorr step."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gpipe.controller import Block, Cut, Produced, Ref, References, Skip, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp, Reference
from gpipe.datamodels.exposures.instruments import MIRI
from gpipe.datamodels.references.checks import contents_of
from gpipe.emicorr.configuration import Configuration, configuration_for, configuration_in
from gpipe.emicorr.readout_exposure import check_readout, readout_of, unsuitable
from gpipe.emicorr.sequential import SequentialSettings
from gpipe.emicorr.waves_exposure import reference_product, subtract_fitted, subtract_found
from gpipe.exceptions import ParameterError

log = logging.getLogger(__name__)

FEWEST_GROUPS = {"joint": 3, "sequential": 4}
FEW_GROUPS = 10
HIGHEST_FREQUENCY = 5e4


class EmiCorrStep(Step):
    """Subtract MIRI's electromagnetic interference; skipped by default."""

    alias = "emicorr"
    instruments = (MIRI,)
    references = (Ref("emicorr"),)
    after = ("dq_init",)
    cut = Cut(Block.EXPOSURE, writes=("data",))

    algorithm = p.Option(
        "joint",
        ("sequential", "joint"),
        help="Fit the interference after rates have been subtracted, or together with them.",
    )
    nints_to_phase = p.Integer(
        None, min=1, help="sequential: integrations to find the wave in; None: as many as use_n_cycles takes."
    )
    nbins = p.Integer(
        None, min=1, help="sequential: bins of phase in a cycle; None: one for two clocks; more than 501 become 500."
    )
    scale_reference = p.Boolean(
        True, help="sequential: give the reference wave the amplitude that is found in the data."
    )
    onthefly_corr_freq = p.FloatList(
        None, unit="Hz", help="Frequencies to correct without a reference, by the waves in the data themselves."
    )
    use_n_cycles = p.Integer(
        3, optional=True, min=1, help="sequential: cycles to find the wave in; None takes all integrations."
    )
    fit_ints_separately = p.Boolean(False, help="joint: an amplitude and a phase for each integration.")
    user_supplied_reffile = p.Path(None, help="Deprecated: a reference to use; override_emicorr does the same.")
    save_intermediate_results = p.Boolean(
        False, help="Also save the waves that onthefly_corr_freq finds, as a reference, an emi_ref_waves product."
    )
    skip = p.Boolean(True, help="Leave the exposure as it is.")

    def wanted_references(self, meta: Any) -> Sequence[str]:
        from_crds = self.onthefly_corr_freq is None and self.user_supplied_reffile is None
        return self.reference_file_types if from_crds and unsuitable(meta) is None else ()

    def check(self, meta: Any, references: References) -> None:
        frequencies = self.onthefly_corr_freq or []
        if not all(0 < frequency <= HIGHEST_FREQUENCY for frequency in frequencies):
            expected = f"frequencies above 0 and up to {HIGHEST_FREQUENCY:g} Hz"
            raise ParameterError.at(f"{self.label}.onthefly_corr_freq", frequencies, expected)
        if unsuitable(meta) is None:
            check_readout(meta)
            self._configuration(meta, self._reference(meta, references))

    def apply(self, exposure: Ramp, references: References) -> Produced:
        meta, groups = exposure.meta, exposure.data.shape[1]
        reason = unsuitable(meta)
        if reason:
            raise Skip(reason)
        self._warn_of_deprecated()
        reference = self._reference(meta, references)
        algorithm = self._algorithm(groups, reference)
        configuration = self._configuration(meta, reference)
        if configuration is None:
            detector, case = meta.instrument.detector, (meta.subarray.name, meta.exposure.readpatt)
            raise Skip(f"no frequencies are known for {detector}, subarray {case[0]}, read pattern {case[1]}")
        log.info("%s fit of %s", algorithm, ", ".join(f"{f.frequency:g} Hz" for f in configuration.interferences))
        readout = readout_of(exposure, configuration, algorithm)
        if algorithm == "joint":
            data = subtract_fitted(exposure, readout, configuration, separately=self.fit_ints_separately)
            return Produced((replace(exposure, data=data),))
        settings = SequentialSettings(
            nints_to_phase=self.nints_to_phase,
            nbins=self.nbins,
            scale_reference=self.scale_reference,
            use_n_cycles=self.use_n_cycles,
        )
        data, waves = subtract_found(exposure, readout, configuration, settings)
        saves = self.save_intermediate_results and self.onthefly_corr_freq is not None
        side = (reference_product(exposure, configuration, waves),) if saves else ()
        return Produced((replace(exposure, data=data),), side)

    def _warn_of_deprecated(self) -> None:
        if self.user_supplied_reffile is not None and self.onthefly_corr_freq is None:
            message = f"{self.label}.user_supplied_reffile is deprecated; override_emicorr does the same"
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            log.warning(message)

    def _reference(self, meta: Any, references: References) -> Reference | None:
        if self.onthefly_corr_freq is not None:
            return None
        if self.user_supplied_reffile is None:
            return references.get("emicorr")
        reference = Reference("emicorr", self.user_supplied_reffile)
        reference.check(meta)
        return reference

    def _configuration(self, meta: Any, reference: Reference | None) -> Configuration | None:
        subarray, readpatt = str(meta.subarray.name), meta.exposure.readpatt
        if reference is None:
            return configuration_for(self.onthefly_corr_freq or [], subarray, readpatt)
        detector = meta.instrument.detector
        with contents_of(reference, "trees of frequencies and subarray_cases"):
            return configuration_in(reference.model.instance, subarray, readpatt, detector, reference.name)

    def _algorithm(self, groups: int, reference: Reference | None) -> str:
        """The algorithm to use; Skip where there are too few groups for it."""
        algorithm = self.algorithm
        if algorithm == "joint" and reference is None:
            log.warning("algorithm: 'joint' needs a reference; 'sequential' is used")
            algorithm = "sequential"
        if groups < FEWEST_GROUPS[algorithm]:
            raise Skip(
                f"found {groups} groups, expected {FEWEST_GROUPS[algorithm]} or more for algorithm {algorithm!r}"
            )
        if algorithm == "sequential" and groups < FEW_GROUPS:
            log.warning("algorithm: 'sequential' with %d groups; 'joint' is better below %d", groups, FEW_GROUPS)
        return algorithm
