"""Subtract waves of interference from an exposure, one frequency after the other."""

import datetime
import logging
from collections.abc import Sequence

import numpy as np

from gpipe.arrays import Array
from gpipe.controller import SideProduct
from gpipe.datamodels import Ramp
from gpipe.emicorr.configuration import Configuration, Interference, case_tree
from gpipe.emicorr.joint import subtract_fitted_wave
from gpipe.emicorr.readout import Readout, period_of
from gpipe.emicorr.sequential import SequentialSettings, subtract_found_wave
from gpipe.emicorr.waveform_host import cubic_pieces

log = logging.getLogger(__name__)


def subtract_fitted(exposure: Ramp, readout: Readout, configuration: Configuration, *, separately: bool) -> Array:
    """Subtract the waves of the reference from the data, fitted together with the ramps.

    ``separately`` fits each integration by itself.
    """
    data = exposure.data
    for found in configuration.interferences:
        pieces = exposure.backend.to_device(cubic_pieces(np.asarray(found.wave)))
        data = subtract_fitted_wave(
            data,
            exposure.pixeldq,
            pieces,
            readout=readout,
            period=period_of(found.frequency),
            separately=separately,
        )
    return data


def subtract_found(
    exposure: Ramp, readout: Readout, configuration: Configuration, settings: SequentialSettings
) -> tuple[Array, list[np.ndarray]]:
    """Subtract waves that are found in the data; also gives these waves, in host memory."""
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


def _tell_empty(found: Interference, wave: np.ndarray) -> None:
    if not np.isfinite(wave).all():
        reason = "some phases of it are not read; nbins, nints_to_phase or use_n_cycles may help"
        log.warning("%g Hz is not corrected: %s", found.frequency, reason)


def reference_product(exposure: Ramp, configuration: Configuration, waves: Sequence[np.ndarray]) -> SideProduct:
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
