"""Exposures in flight, and chunks of them."""
