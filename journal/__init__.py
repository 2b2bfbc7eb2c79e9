"""Remembers: events, tape, vault, stores, export."""
