"""Kernels of refpix.irs2."""
