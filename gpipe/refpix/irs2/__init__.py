"""Correct NIRSpec IRS2 readout by its interleaved reference pixels."""
