"""Native versions of single portable functions: C for NumPy (``native``), CUDA for CuPy (``cuda``).

A kernel has the signature of its portable function, which is its definition: a test compares the two. The table in
``gpipe.backends.native`` names them.
"""
