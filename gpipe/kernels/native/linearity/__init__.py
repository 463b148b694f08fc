"""Kernels of linearity."""
