"""Constants that all detectors share."""

DETECTOR_SIZE = 2048
"""Rows, and columns, of a near-infrared detector, reference pixels included."""
EDGE = 4
"""Reference pixels, which see no light, at both ends of each row, and in the near infrared of each column."""
