"""Functions inside jwst's steps, as calls of gpipe's steps: what they do to a model is tested on gpipe, too."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits
from stdatamodels.jwst import datamodels

from benchmarks.jwst_tests.absent import Absent
from benchmarks.jwst_tests.keywords import fill_in
from benchmarks.jwst_tests.second_stage import photom, time_dependence
from gpipe.step import (
    ChargeMigrationStep,
    DQInitStep,
    FirstFrameStep,
    GainScaleStep,
    GroupScaleStep,
    LastFrameStep,
    LinearityStep,
    RampFitStep,
    RefPixStep,
    ResetStep,
    SaturationStep,
    SuperBiasStep,
)

ARRAYS = ("data", "groupdq", "pixeldq", "zeroframe", "err", "dq", "var_poisson", "var_rnoise")


def _into(model: Any, step: Any) -> Any:
    """Run a step, and put what it made into the model that it was given: jwst's functions write into theirs."""
    if model.meta.instrument.name is None and step.instruments:
        model.meta.instrument.name = step.instruments[0]
    result = step.run(model)
    for name in ARRAYS:
        if name in result.instance:
            setattr(model, name, result.instance[name])
    model.meta.cal_step.instance.update(result.meta.cal_step.instance)
    return model


def superbias(model: Any, reference: Any) -> Any:
    """Stand for ``jwst.superbias.bias_sub.do_correction``."""
    return _into(model, SuperBiasStep(override_superbias=reference))


def linearity(model: Any, reference: Any) -> Any:
    """Stand for ``jwst.linearity.linearity.do_correction``."""
    return _into(model, LinearityStep(override_linearity=reference))


def reset(model: Any, reference: Any) -> Any:
    """Stand for ``jwst.reset.reset_sub.do_correction``."""
    return _into(model, ResetStep(override_reset=reference))


def lastframe(model: Any) -> Any:
    """Stand for ``jwst.lastframe.lastframe_sub.do_correction``."""
    return _into(model, LastFrameStep())


def firstframe(model: Any, bright_use_group1: bool = False) -> Any:
    """Stand for ``jwst.firstframe.firstframe_sub.do_correction``."""
    return _into(model, FirstFrameStep(bright_use_group1=bright_use_group1))


def charge_migration(model: Any, signal_threshold: float) -> Any:
    """Stand for ``jwst.charge_migration.charge_migration.charge_migration``."""
    return _into(model, ChargeMigrationStep(signal_threshold=signal_threshold))


def group_scale(model: Any) -> Any:
    """Stand for ``jwst.group_scale.group_scale.do_correction``."""
    return _into(model, GroupScaleStep())


def gain_scale(model: Any, gain_factor: float) -> Any:
    """Stand for ``jwst.gain_scale.gain_scale.do_correction``."""
    model.meta.exposure.gain_factor = gain_factor
    return _into(model, GainScaleStep(override_gain="N/A"))


def dq_init(model: Any, reference: Any, user_dq: Any = None) -> Any:
    """Stand for ``jwst.dq_init.dq_initialization.do_dqinit``; gpipe takes flags of a user from files."""
    if user_dq is None:
        return _into(model, DQInitStep(override_mask=reference))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "flags.fits")
        fits.writeto(path, user_dq)
        return _into(model, DQInitStep(override_mask=reference, user_supplied_dq=path))


def saturation(model: Any, reference: Any, n_pix_grow_sat: int, use_readpatt: bool, bias_model: Any = None) -> Any:
    """Stand for ``flag_saturation`` and ``irs2_flag_saturation`` of ``jwst.saturation.saturation``."""
    references = {"override_saturation": reference, "override_superbias": "N/A" if bias_model is None else bias_model}
    return _into(model, SaturationStep(n_pix_grow_sat=n_pix_grow_sat, use_readpatt=use_readpatt, **references))


def refpix(
    model: Any,
    odd_even_columns: bool,
    use_side_ref_pixels: bool,
    side_smoothing_length: int,
    side_gain: float,
    odd_even_rows: bool,
    conv_kernel_params: Any,
    siglimit: float,
) -> Any:
    """Stand for ``jwst.refpix.reference_pixels.correct_model`` with the running median."""
    parameters = {
        "odd_even_columns": odd_even_columns,
        "use_side_ref_pixels": use_side_ref_pixels,
        "side_smoothing_length": side_smoothing_length,
        "side_gain": side_gain,
        "odd_even_rows": odd_even_rows,
        "siglimit": siglimit,
    }
    return _into(model, RefPixStep(override_refpix="N/A", override_sirskernel="N/A", **parameters))


def ramp_fit(
    model: Any,
    save_opt: bool,
    readnoise: Any,
    gain: Any,
    algorithm: str,
    weighting: str,
    max_cores: str,
    flags: Any,
) -> tuple[Any, Any, Any]:
    """Stand for ``stcal.ramp_fitting.ramp_fit.ramp_fit``, without the optional results."""
    fill_in(model.meta, model.shape)
    references = {
        "override_gain": _beside(model, datamodels.GainModel(data=gain)),
        "override_readnoise": _beside(model, datamodels.ReadnoiseModel(data=readnoise)),
    }
    name = "LIKELY" if algorithm == "LIKELY" else "OLS_C"
    step = RampFitStep(algorithm=name, maximum_cores=max_cores, suppress_one_group=False, **references)
    rates = step.run(model)
    image, cube = ({"slope": rate.data, **{name: rate[name] for name in ARRAYS[4:]}} for rate in rates)
    return image, cube, Absent("optional results of stcal.ramp_fitting.ramp_fit.ramp_fit")


def _beside(model: Any, reference: Any) -> Any:
    """Give a reference the instrument and the pixels of an exposure."""
    reference.meta.instrument.name = model.meta.instrument.name
    corner = {name: getattr(model.meta.subarray, name) for name in ("xstart", "ystart", "xsize", "ysize")}
    reference.meta.subarray.instance.update(corner)
    return reference


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "jwst.charge_migration.charge_migration.charge_migration": charge_migration,
    "jwst.dq_init.dq_initialization.do_dqinit": dq_init,
    "jwst.firstframe.firstframe_sub.do_correction": firstframe,
    "jwst.gain_scale.gain_scale.do_correction": gain_scale,
    "jwst.group_scale.group_scale.do_correction": group_scale,
    "jwst.lastframe.lastframe_sub.do_correction": lastframe,
    "jwst.linearity.linearity.do_correction": linearity,
    "jwst.photom.photom": photom,
    "jwst.photom.time_dependence": time_dependence,
    "jwst.refpix.reference_pixels.correct_model": refpix,
    "jwst.reset.reset_sub.do_correction": reset,
    "jwst.saturation.saturation.flag_saturation": saturation,
    "jwst.saturation.saturation.irs2_flag_saturation": saturation,
    "jwst.superbias.bias_sub.do_correction": superbias,
    "stcal.ramp_fitting.ramp_fit.ramp_fit": ramp_fit,
}
"""By the name that tests import."""
