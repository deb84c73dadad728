"""A shop for images that bills by the image."""
