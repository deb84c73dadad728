"""Use cases: load, let the domain decide, commit one unit of work."""
