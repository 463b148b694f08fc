"""The emicorr step."""

import datetime
import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gpipe.arrays import Array
from gpipe.controller import Produced, References, SideProduct, Skip, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp, Reference
from gpipe.datamodels.exposures.instruments import MIRI
from gpipe.emicorr.configuration import (
    Configuration,
    Interference,
    case_tree,
    configuration_for,
    configuration_in,
)
from gpipe.emicorr.joint import subtract_fitted_wave
from gpipe.emicorr.readout import OUTPUTS, Readout, has_late_column, period_of
from gpipe.emicorr.sequential import SequentialSettings, subtract_found_wave
from gpipe.emicorr.waveform_host import cubic_pieces
from gpipe.exceptions import InputError, ParameterError

log = logging.getLogger(__name__)

READ_PATTERNS = ("FAST", "FASTR1", "SLOW", "SLOWR1")
RESETTING = ("FASTR1", "SLOWR1")
"""Read patterns with a frame between two integrations that is read and dropped."""
FEWEST_GROUPS = {"joint": 3, "sequential": 4}
FEW_GROUPS = 10
HIGHEST_FREQUENCY = 5e4


class EmiCorrStep(Step):
    """Subtract MIRI's electromagnetic interference; skipped by default."""

    class_alias = "emicorr"
    instruments = (MIRI,)
    reference_file_types = ("emicorr",)
    expects = ("dq_init",)
    changes = ("data",)

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
        return self.reference_file_types if from_crds and _unsuitable(meta) is None else ()

    def check(self, meta: Any, references: References) -> None:
        frequencies = self.onthefly_corr_freq or []
        if not all(0 < frequency <= HIGHEST_FREQUENCY for frequency in frequencies):
            expected = f"frequencies above 0 and up to {HIGHEST_FREQUENCY:g} Hz"
            raise ParameterError(f"{self.label}.onthefly_corr_freq: found {frequencies}, expected {expected}")
        if _unsuitable(meta) is None:
            _check_readout(meta)
            self._configuration(meta, self._reference(meta, references))

    def apply(self, exposure: Ramp, references: References) -> Produced:
        meta, groups = exposure.meta, exposure.data.shape[1]
        reason = _unsuitable(meta)
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
        readout = _readout(exposure, configuration, algorithm)
        if algorithm == "joint":
            return Produced((replace(exposure, data=self._fitted(exposure, readout, configuration)),))
        data, waves = self._found(exposure, readout, configuration)
        saves = self.save_intermediate_results and self.onthefly_corr_freq is not None
        side = (_reference_product(exposure, configuration, waves),) if saves else ()
        return Produced((replace(exposure, data=data),), side)

    def _fitted(self, exposure: Ramp, readout: Readout, configuration: Configuration) -> Array:
        data = exposure.data
        for found in configuration.interferences:
            pieces = exposure.backend.to_device(cubic_pieces(np.asarray(found.wave)))
            data = subtract_fitted_wave(
                data,
                exposure.pixeldq,
                pieces,
                readout=readout,
                period=period_of(found.frequency),
                separately=self.fit_ints_separately,
            )
        return data

    def _found(self, exposure: Ramp, readout: Readout, configuration: Configuration) -> tuple[Array, list[np.ndarray]]:
        """The data after all frequencies, and the waves that were found."""
        settings = SequentialSettings(
            nints_to_phase=self.nints_to_phase,
            nbins=self.nbins,
            scale_reference=self.scale_reference,
            use_n_cycles=self.use_n_cycles,
        )
        data, waves = exposure.data, []
        for found in configuration.interferences:
            reference = None if found.wave is None else np.asarray(found.wave, dtype=np.float32)
            cleaned = subtract_found_wave(
                data,
                None if reference is None else exposure.backend.to_device(reference),
                readout=readout,
                period=period_of(found.frequency),
                settings=settings,
            )
            data, wave = cleaned.data, exposure.backend.to_host(cleaned.wave)
            _tell_empty(found, wave)
            waves.append(wave)
        return data, waves

    # --- parameters and references ------------------------------------------------------------------------------

    def _warn_of_deprecated(self) -> None:
        if self.user_supplied_reffile is not None and self.onthefly_corr_freq is None:
            message = f"{self.label}.user_supplied_reffile is deprecated; override_emicorr does the same"
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            log.warning(message)

    def _reference(self, meta: Any, references: References) -> Reference | None:
        if self.onthefly_corr_freq is not None:
            return None
        if self.user_supplied_reffile is None:
            return references.emicorr
        reference = Reference("emicorr", self.user_supplied_reffile)
        reference.check(meta)
        return reference

    def _configuration(self, meta: Any, reference: Reference | None) -> Configuration | None:
        subarray, readpatt = str(meta.subarray.name), meta.exposure.readpatt
        if reference is None:
            return configuration_for(self.onthefly_corr_freq or [], subarray, readpatt)
        return configuration_in(reference.model.instance, subarray, readpatt, meta.instrument.detector, reference.name)

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


def _unsuitable(meta: Any) -> str | None:
    """Why an exposure has nothing to be corrected; None if it has."""
    if str(meta.exposure.readpatt).upper() not in READ_PATTERNS:
        return f"found READPATT {meta.exposure.readpatt}, expected one of {', '.join(READ_PATTERNS)}"
    return None


def _check_readout(meta: Any) -> None:
    if not meta.exposure.nsamples:
        raise InputError("emicorr: found no NSAMPLES, expected 1 for fast and 9 for slow read patterns")
    if meta.subarray.xsize % OUTPUTS:
        raise InputError(f"emicorr: found SUBSIZE1 {meta.subarray.xsize}, expected a multiple of {OUTPUTS} (outputs)")


def _readout(exposure: Ramp, configuration: Configuration, algorithm: str) -> Readout:
    meta = exposure.meta
    at_right_edge = has_late_column(meta.subarray.xstart, meta.subarray.xsize)
    return Readout(
        shape=exposure.data.shape,
        clocks=configuration.clocks,
        samples=meta.exposure.nsamples,
        resets=meta.exposure.readpatt.upper() in RESETTING,
        late_column=at_right_edge and algorithm == "sequential",  # as in jwst
    )


def _tell_empty(found: Interference, wave: np.ndarray) -> None:
    if not np.isfinite(wave).all():
        reason = "some phases of it are not read; nbins, nints_to_phase or use_n_cycles may help"
        log.warning("%g Hz is not corrected: %s", found.frequency, reason)


def _reference_product(exposure: Ramp, configuration: Configuration, waves: Sequence[np.ndarray]) -> SideProduct:
    """The waves that were found, as a reference for exposures of the same kind."""
    from stdatamodels.jwst.datamodels import EmiModel

    meta, model = exposure.meta, EmiModel()
    model.frequencies = {
        found.name: {"frequency": found.frequency, "phase_amplitudes": wave}
        for found, wave in zip(configuration.interferences, waves, strict=True)
    }
    model.subarray_cases = case_tree(
        configuration, meta.subarray.name, meta.exposure.readpatt, meta.instrument.detector
    )
    model.meta.reftype, model.meta.pedigree = EmiModel.reftype, "GROUND"
    model.meta.author, model.meta.description = "gpipe", "Waves found in an exposure by emicorr"
    model.meta.useafter = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return SideProduct(model, suffix="emi_ref_waves", output_ext=".asdf")
