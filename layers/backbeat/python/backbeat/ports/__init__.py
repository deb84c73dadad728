"""What the application needs from the outside, as protocols and their value types."""
