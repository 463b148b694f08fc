"""Helpers for code that works on models as jwst's does; gpipe itself does not use them."""
