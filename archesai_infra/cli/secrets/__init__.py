"""`arches secrets`."""
