"""Kernels of saturation."""
