"""`arches diff`."""
