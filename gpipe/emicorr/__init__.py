"""The emicorr step."""

from gpipe.emicorr.emicorr_step import EmiCorrStep

__all__ = ["EmiCorrStep"]
