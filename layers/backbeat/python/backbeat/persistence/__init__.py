"""Repositories on top of the store port: written once, for every store."""
