"""Plan a run: sections, chunks, threads, memory."""
