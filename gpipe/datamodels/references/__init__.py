"""Reference files and their planes."""
