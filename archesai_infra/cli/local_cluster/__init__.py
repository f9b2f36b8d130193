"""`arches cluster`."""
