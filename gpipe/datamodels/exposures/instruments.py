"""Steps that are for MIRI only."""

from typing import Any

from gpipe.controller.results import Skip


def is_miri(meta: Any) -> bool:
    """Whether an exposure is of MIRI."""
    return meta.instrument.name == "MIRI"


def skip_unless_miri(meta: Any) -> None:
    """Skip a step for exposures of other instruments."""
    if not is_miri(meta):
        raise Skip(f"found INSTRUME {meta.instrument.name}; this step is for MIRI only")
