"""Backups that restore: Velero, dumps of what has content, a copy of the objects, and a drill."""
