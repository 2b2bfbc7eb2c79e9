"""Faces the world: the command line."""
