"""The archive of a cluster: base backups and the write-ahead log, from which any moment can be recovered."""
