"""The local runner: serves template.yaml on one machine. Never deployed."""
