"""`arches backups`, `backup`, `restore` and `recovery-kit`."""
