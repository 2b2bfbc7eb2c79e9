"""Calls: contracts, credentials, one attempt on the wire, the catalogue, the connectors."""
