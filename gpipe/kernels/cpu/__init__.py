"""Kernels for arrays in host memory, compiled by numba when first used and kept on disk."""
