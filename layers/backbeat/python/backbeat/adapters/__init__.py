"""Implementations of the ports. Each module imports its own SDK and no other."""
