"""CUDA kernels of portable functions; CUDA C in ``*.cu``, started through ``sources``."""
