"""Tell what a run does: events, progress, logs."""
