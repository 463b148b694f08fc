"""Kernels of drizzle."""
