"""Scenarios with steps: what happens to a world, played on the engine, and what comes of it."""
