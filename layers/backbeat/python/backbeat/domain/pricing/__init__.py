"""Quantity and rate into amounts: one module per rate type."""
