"""The verbs: pure functions on immutable models. No clock, no network, no database."""
