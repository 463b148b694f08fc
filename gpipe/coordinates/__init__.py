"""Coordinates: a WCS turned into numbers, and grids that exposures are resampled to."""
