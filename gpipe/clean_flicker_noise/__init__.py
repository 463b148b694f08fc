"""Subtract the 1/f noise of the readout."""

from gpipe.clean_flicker_noise.clean_flicker_noise_step import CleanFlickerNoiseStep

__all__ = ["CleanFlickerNoiseStep"]
