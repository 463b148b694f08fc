"""Kernels of ipc."""
