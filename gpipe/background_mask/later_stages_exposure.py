"""Results of later stages, computed by the ``jwst`` package: a WCS, and the brightness of integrations.

This is the only module that imports ``jwst``, and only when a result is needed. The package is an optional
extra ``later`` (docs/decisions/0007-asking-jwst.md).
"""

import importlib.metadata
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from gpipe.background_mask.nirspec_light_host import has_wcs
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.exposures.rate import Rate
from gpipe.datamodels.files.products import to_model
from gpipe.datamodels.files.warnings import one_thread_at_a_time
from gpipe.exceptions import GpipeError, InputError, ParameterError, ReferenceFileError

log = logging.getLogger(__name__)

OLDEST = 3
"""The first major version of jwst that has all that is asked for."""
_LOGGERS = ("jwst", "stcal", "stpipe")


class NoAnswer(Exception):  # noqa: N818 - the step is skipped, as it is in jwst
    """Exposure for which jwst computes no result and continues without; the message gives the reason."""


class NothingOnDetector(NoAnswer):
    """Exposure without an aperture that illuminates this detector."""


def require(parameter: str, found: str, instead: str) -> None:
    """Raise ParameterError if jwst is not usable.

    Parameters
    ----------
    parameter : its name, with the name of its step.
    found : its value, and the reason why it needs jwst.
    instead : values that do not need jwst.
    """
    lacking = _lacking()
    if lacking:
        raise ParameterError(
            f"{parameter}: found {found}, for which the jwst package is needed, and {lacking} "
            f"(install jwst>=3.0); expected {instead}"
        )


def with_wcs(rates: Rate, *, flag_open: bool, folder: str) -> Rate:
    """Add a WCS to the metadata of count rates without one, by jwst's assign_wcs.

    Parameters
    ----------
    flag_open : also flag pixels behind NIRSpec's shutters that failed open, by jwst's msaflagopen, if not yet done.
    folder : folder of the MSA metadata file.

    Returns
    -------
    The same rates, with new metadata and DQ. ``rates`` is not changed.

    Raises
    ------
    NothingOnDetector, NoAnswer
        If jwst continues without a WCS, or skips the exposure because its MSA metadata file is missing.
    """
    flag_open = flag_open and rates.meta.cal_step.msa_flagging is None
    if has_wcs(rates.meta) and not flag_open:
        return rates
    with _asked("a WCS", rates):
        from jwst.assign_wcs import AssignWcsStep
        from jwst.assign_wcs.util import MSAFileError, NoDataOnDetectorError
        from jwst.msaflagopen import MSAFlagOpenStep

        model = to_model(rates)
        try:
            if not has_wcs(model.meta):
                model = _run(AssignWcsStep(), model, folder)
        except NoDataOnDetectorError as error:
            raise NothingOnDetector(_in_one_line(error)) from None
        except MSAFileError as error:
            raise NoAnswer(f"MSA metadata file: {_in_one_line(error)}") from None
        if not has_wcs(model.meta):
            raise InputError(f"{rates.meta.filename}: jwst's assign_wcs makes no WCS for {rates.meta.exposure.type}")
        if flag_open:
            model = _run(MSAFlagOpenStep(), model, folder)
    quality = rates.backend.to_device(np.asarray(model.dq))
    for name in rates.planes:
        del model.instance[name]
    return replace(rates, header=model, dq=quality)


def light_curve(rates: Rate) -> np.ndarray:
    """Compute the flux of each integration of a time series relative to the median, by jwst's photometry or spectra.

    Parameters
    ----------
    rates : of two or more integrations, with a WCS.

    Returns
    -------
    float32, (integration,), in host memory.

    Raises
    ------
    NoAnswer
        If jwst skips the exposure because it has no flux to measure.
    """
    from stdatamodels.jwst.datamodels import RampModel

    with _asked("the light of each integration", rates):
        # What jwst gives is the median of what it is given, as bright as each integration: of ones, the light itself.
        ones = RampModel(data=np.ones((rates.shape[0], 1, 1, 1), dtype=np.float32))
        model = _with_wcs_of(rates)
        ones.update(model)
        return _scaled_median(ones, model)[:, 0, 0, 0]


def soss_scene(exposure: Exposure, rates: Rate, pastasoss: Any) -> np.ndarray:
    """The median of all integrations of NIRISS SOSS above the sky, as bright as each of them, and the sky, by jwst.

    Parameters
    ----------
    exposure : ramps or rates of two or more integrations.
    rates : of each integration.
    pastasoss : model of the reference.

    Returns
    -------
    float32, of the shape of ``exposure.data``, in host memory. For count rates it is that of ``rates.data``.

    Raises
    ------
    NoAnswer
        As `light_curve`.
    """
    with _asked("the light of each integration", rates):
        from jwst.lib.exposure_types import NIS_SOSS_SUPPORTED_SUBARRAYS as MEASURED

        if rates.meta.subarray.name not in MEASURED:
            found = rates.meta.subarray.name
            raise NoAnswer(f"light is not measured in subarray {found}, expected {', '.join(MEASURED)}")
        model = to_model(rates)
        return _scaled_median(model if isinstance(exposure, Rate) else to_model(exposure), model, pastasoss)


def _scaled_median(model: Any, rates: Any, pastasoss: Any | None = None) -> np.ndarray:
    from jwst.clean_flicker_noise.tso_median_image import make_median_image

    try:
        scene = make_median_image(model, rates, soss_refmodel=pastasoss)
    except ValueError as error:
        raise NoAnswer(f"no median image: {_in_one_line(error)}") from None
    return np.asarray(scene, dtype=np.float32)


def _with_wcs_of(rates: Rate) -> Any:
    """A model of rates with their WCS, which is not among what rates take over from ramps."""
    model = to_model(rates)
    model.meta.wcs = rates.meta.wcs
    return model


def _lacking() -> str | None:
    try:
        version = importlib.metadata.version("jwst")
    except importlib.metadata.PackageNotFoundError:
        return "it is not installed"
    return f"version {version} is too old" if int(version.partition(".")[0]) < OLDEST else None


def _run(step: Any, model: Any, folder: str) -> Any:
    step.input_dir = folder
    return step.run(model)


@contextmanager
def _asked(what: str, exposure: Exposure) -> Iterator[None]:
    """Run jwst on the host within the block: warnings go to gpipe's log, a failure is an error of one line."""
    log.info("Calling jwst %s for %s, on the host", importlib.metadata.version("jwst"), what)
    try:
        with one_thread_at_a_time(""), _heard(), _warnings_logged_as_before():
            yield
    except (GpipeError, NoAnswer):
        raise
    except Exception as error:
        from stpipe.crds_client import CrdsError

        kind = ReferenceFileError if isinstance(error, CrdsError) else InputError
        reason = f"{type(error).__name__}: {_in_one_line(error)}"
        raise kind(f"{exposure.meta.filename}: jwst was asked for {what} and failed: {reason}") from error


class _Relay(logging.Handler):
    """Handler that passes jwst's log to gpipe's log."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("gpipe").handle(record)


@contextmanager
def _heard() -> Iterator[None]:
    """Send warnings of jwst and its packages to gpipe's log only."""
    relay = _Relay(logging.WARNING)
    with ExitStack() as stack:
        for logger in map(logging.getLogger, _LOGGERS):
            stack.callback(logger.setLevel, logger.level)
            stack.callback(setattr, logger, "propagate", logger.propagate)
            stack.callback(logger.removeHandler, relay)
            logger.setLevel(logging.WARNING)
            logger.propagate = False
            logger.addHandler(relay)
        yield


@contextmanager
def _warnings_logged_as_before() -> Iterator[None]:
    """jwst's ``Step.call`` ends the logging of Python's warnings, whoever began it."""
    logged = logging._warnings_showwarning is not None  # type: ignore[attr-defined]
    try:
        yield
    finally:
        logging.captureWarnings(logged)


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
