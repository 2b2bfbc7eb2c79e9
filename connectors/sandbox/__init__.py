"""A stateful stand-in for the vendor over real HTTP, with faults on order."""
