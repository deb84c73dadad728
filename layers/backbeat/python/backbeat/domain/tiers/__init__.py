"""The rules of tiers: what is offered, what a change costs, and what may be used."""
