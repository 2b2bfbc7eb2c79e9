"""Workflows on trial: the same run again and again in worlds in memory, each time with something else going wrong."""
