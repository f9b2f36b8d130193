"""`arches digest`."""
