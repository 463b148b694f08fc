"""Kernels of darks."""
