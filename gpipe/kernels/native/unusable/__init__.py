"""Kernels of rows that are not used."""
