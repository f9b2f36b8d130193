"""`arches upgrade`: data moves to another major version of its server."""
