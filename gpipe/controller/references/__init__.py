"""Find the reference files of a run."""
