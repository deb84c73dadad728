"""The objects of one key: identity, time, transactions, work that is due."""
