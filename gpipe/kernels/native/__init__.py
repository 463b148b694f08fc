"""Kernels for arrays in host memory: C that is compiled when the wheel is built, one room for each step."""
