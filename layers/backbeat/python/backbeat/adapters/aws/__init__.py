"""Ports on AWS services."""
