"""Kernels of jump."""
