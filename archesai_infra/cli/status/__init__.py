"""`arches status`."""
