"""`arches move`: data moves to another form of its module."""
