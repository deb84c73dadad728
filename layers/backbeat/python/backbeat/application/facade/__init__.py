"""What the simple facade keeps beside the engine's own things."""
