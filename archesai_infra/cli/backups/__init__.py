"""`arches backup`."""
