"""`arches render`."""
