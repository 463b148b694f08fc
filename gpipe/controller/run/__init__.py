"""Run steps on an exposure."""
