"""PostgreSQL as a cluster of instances that CloudNativePG runs."""
