"""Webhooks of providers: taken in, kept, and worked off."""
