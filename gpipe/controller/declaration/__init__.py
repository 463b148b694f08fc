"""Declare a step: what its author writes, and what the engine works on."""
