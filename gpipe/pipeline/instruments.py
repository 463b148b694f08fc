"""Exposures that the pipelines accept, and rules that the pipelines share."""

from typing import Any

from gpipe.datamodels.exposures.instruments import is_miri
from gpipe.exceptions import InputError

GUIDE_EXPOSURES = ("FGS_ACQ", "FGS_FINEGUIDE", "FGS_ID", "FGS_TRACK")
NEAR_INFRARED = ("group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity")
MIRI = (
    "group_scale",
    "dq_init",
    "emicorr",
    "saturation",
    "ipc",
    "firstframe",
    "lastframe",
    "reset",
    "linearity",
    "rscd",
)


def early_steps(meta: Any) -> tuple[str, ...]:
    """Return the steps before dark_current, in order. A guide exposure is an InputError."""
    kind, name = meta.exposure.type, meta.filename or "the exposure"
    if str(kind).startswith(GUIDE_EXPOSURES):
        raise InputError(f"{name}: found a guide exposure ({kind}), which gpipe does not calibrate yet")
    return MIRI if is_miri(meta) else NEAR_INFRARED
