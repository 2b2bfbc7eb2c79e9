"""Judges: faults, outcomes, contracts, drift, remedies, verdicts. Pure."""
