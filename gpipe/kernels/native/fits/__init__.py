"""Kernels of pixels of FITS files."""
