"""`arches images`."""
