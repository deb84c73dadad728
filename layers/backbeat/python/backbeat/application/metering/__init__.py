"""Metering with proof: counters, pushes to Stripe, reconciliation. On the one ledger of usage."""
