"""A redis that outlives the loss of a server: three of Valkey with Sentinels, and proxies in front."""
