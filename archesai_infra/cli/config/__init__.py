"""`arches config`."""
