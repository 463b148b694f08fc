"""Digests of everything that gpipe writes, to see whether a change of the code changes a bit of a product."""
