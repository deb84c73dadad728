"""Simulated bills: prices, reductions, tax, comparison with what is expected.

Amounts are decimals in whole units of their currency. A line is rounded half up to the currency's
smallest unit, and so is the tax; sums are exact.
"""
