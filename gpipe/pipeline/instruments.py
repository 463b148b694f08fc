"""Which exposures the pipelines take."""

from typing import Any

from gpipe.exceptions import InputError

NEAR_INFRARED = ("FGS", "NIRCAM", "NIRISS", "NIRSPEC")
GUIDE_EXPOSURES = ("FGS_ACQ", "FGS_FINEGUIDE", "FGS_ID", "FGS_TRACK")


def check_near_infrared(meta: Any) -> None:
    """Refuse MIRI and guide exposures: InputError."""
    kind, name = meta.exposure.type, meta.filename or "the exposure"
    if meta.instrument.name not in NEAR_INFRARED:
        found = f"INSTRUME {meta.instrument.name}"
        raise InputError(
            f"{name}: found {found}, which gpipe does not calibrate yet; expected one of {', '.join(NEAR_INFRARED)}"
        )
    if str(kind).startswith(GUIDE_EXPOSURES):
        raise InputError(f"{name}: found a guide exposure ({kind}), which gpipe does not calibrate yet")
