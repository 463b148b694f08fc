"""Kernels of ramp_fit."""
