"""The sirskernel reference: how the side reference pixels of a simulated detector tell the noise of its rows best."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.arrays.detector import DETECTOR_SIZE, EDGE
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.electronics import COMMON, LONGER_THAN_FRAME
from gpipe.simulate.metadata import dated
from gpipe.simulate.readout import ROW_OVERHEAD

_FREQUENCIES = DETECTOR_SIZE // 2 + 1
_SAMPLES = DETECTOR_SIZE * (DETECTOR_SIZE // 4 + ROW_OVERHEAD)
"""Pixel times of a frame in one output."""
_SHARED_WITH = {"gamma": (1.0, COMMON, COMMON, COMMON), "zeta": (COMMON, COMMON, COMMON, 1.0)}
"""Share of the noise of each of the four outputs that the left and that the right reference pixels show."""


def make_sirskernel(configs: Iterable[ExposureConfig]) -> Any:
    """Fourier coefficients, by detector, of the Wiener filters that predict 1/f noise from both sides."""
    model = dated(datamodels.SIRSKernelModel)()
    configs = list(configs)
    tree: dict[str, Any] = {
        "author": "gpipe",
        "pedigree": "DUMMY",
        "useafter": "2020-01-01T00:00:00",
        "description": "Simulated detector, known exactly",
        "instrument": {"name": configs[0].sca.instrument},
    }
    model.update({"meta": tree})
    for config in configs:
        model[config.detector.lower()] = _wiener_filters(config)
    return model


def _wiener_filters(config: ExposureConfig) -> dict[str, np.ndarray]:
    """Wiener filters of each side (output, frequency), complex, from 0 to the highest frequency of rows.

    With the spectrum P of the noise of one output, a white spectrum W of a row's reference pixels and the share c
    of P that outputs have in common, the sides have the covariance matrix [[P + W, cP], [cP, P + W]].
    """
    frequency = np.maximum(np.arange(_FREQUENCIES), 1)
    modes = LONGER_THAN_FRAME * _SAMPLES / 2
    power = config.noise.one_over_f**2 * LONGER_THAN_FRAME * DETECTOR_SIZE / 2 / (frequency * np.log(modes))
    side = power + config.noise.read_noise**2 / EDGE + 1e-12
    common = COMMON * power
    left, right = (np.outer(_SHARED_WITH[name], power) for name in ("gamma", "zeta"))
    determinant = side**2 - common**2
    filters = {
        "gamma": (side * left - common * right) / determinant,
        "zeta": (side * right - common * left) / determinant,
    }
    return {name: values.astype(np.complex128) for name, values in filters.items()}
