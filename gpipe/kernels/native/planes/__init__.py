"""Planes that groups lose: in NumPy, which C does not outdo."""
