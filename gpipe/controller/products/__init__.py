"""Name and write products."""
