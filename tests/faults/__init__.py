"""Trials of what gpipe does when things go wrong: `python -m faults` runs all, `test_fault_trials.py` a short form.

Each trial runs gpipe in a child process on small simulated exposures. A seed decides all that is tried.
"""
