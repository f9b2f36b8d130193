"""`arches rbac`."""
