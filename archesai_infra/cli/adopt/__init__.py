"""`arches adopt`: take over a cluster that Pulumi did not deploy."""
