"""`arches doctor`."""
