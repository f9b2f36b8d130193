"""Barman's programs as the plugin's image has them, and a server whose log and base backups they archive."""
