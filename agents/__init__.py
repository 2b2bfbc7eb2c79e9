"""Thinks: roles, the model port, structured output, providers."""
