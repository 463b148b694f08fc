"""Kernels of rscd."""
