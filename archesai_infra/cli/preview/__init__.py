"""`arches preview`."""
