"""`arches logs`."""
