"""`arches up` and `arches destroy`."""
