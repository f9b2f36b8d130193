"""The `arches` command."""
