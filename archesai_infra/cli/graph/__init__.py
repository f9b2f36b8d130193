"""`arches graph`."""
