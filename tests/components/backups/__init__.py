"""Backups, against the real programs they are made with."""
