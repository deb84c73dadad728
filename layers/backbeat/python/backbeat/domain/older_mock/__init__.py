"""The older mock's rules, for profile `mock` alone."""
