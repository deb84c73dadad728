"""A simple REST surface over the engine: customers, contracts, invoices and credits."""
