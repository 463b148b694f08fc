"""The families of trials."""

from faults import as_before, at_once, full_disks, hostile, kills, windows

FAMILIES = (kills, full_disks, windows, hostile, at_once, as_before)
