"""The linearity step."""

from gpipe.linearity.linearity_step import LinearityStep

__all__ = ["LinearityStep"]


def __getattr__(name: str) -> object:
    """The user guide of jwst imports ``SaturationStep`` from here, by mistake; scripts copied from it work."""
    if name == "SaturationStep":
        from gpipe.saturation import SaturationStep

        return SaturationStep
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
