"""PostgreSQL with standbys on loopback: what failover, recovery and moving rest on."""
