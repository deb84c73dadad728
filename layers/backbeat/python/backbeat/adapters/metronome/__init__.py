"""Metronome by its official SDK."""
