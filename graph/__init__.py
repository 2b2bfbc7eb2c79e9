"""Runs: the language and the engine."""
