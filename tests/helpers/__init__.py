"""Exposures, stubs, oracles and comparisons that tests share."""
