"""gpipe beside jwst on the same files, in one run: ``python -m benchmarks``."""
